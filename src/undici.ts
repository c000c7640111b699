import Agent from 'undici/lib/dispatcher/agent.js';
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
import Pool from 'undici/lib/dispatcher/pool.js';
import request from 'undici/lib/api/api-request.js';

// As undici's index does it, which loads everything else it has as well: fetch, WebSocket, caches, mocks, and what Node
// has of them itself.
Dispatcher.prototype.request = request;

export { Agent, Pool };

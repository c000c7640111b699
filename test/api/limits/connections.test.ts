import { createServer, connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createConnections, type Connection } from '../../../src/api/limits/connections.ts';
import { eventually } from '../../support/eventually.ts';

/** Connections of a real server, at most so many, in the order of their coming. */
async function held(limit: number, slowest: () => Connection | undefined = () => undefined) {
  const connections = createConnections({ limit, slowest });
  const taken: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    taken.push(socket);
    connections.add(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  const clients: Socket[] = [];
  onTestFinished(() => {
    for (const client of clients) client.destroy();
    server.close();
  });
  return {
    connections,
    /** One more client; the connection as the server has it. */
    come: async (localAddress = '127.0.0.1'): Promise<Connection> => {
      const before = taken.length;
      const client = connect({ port: address.port, host: '127.0.0.1', localAddress });
      client.on('error', () => undefined);
      clients.push(client);
      await eventually(() => expect(taken.length).toBe(before + 1));
      const connection = connections.of(taken.at(-1) ?? client);
      if (connection === undefined) throw new Error('it is not known');
      return connection;
    },
  };
}

const gone = (...all: Connection[]) => all.map(({ socket }) => socket.destroyed);

describe('at the bound of connections', () => {
  it('the longest idle one makes room, never one that is asking', async () => {
    const { connections, come } = await held(3);
    const [first, second, third] = [await come(), await come(), await come()];
    connections.begin(first);
    const fourth = await come();
    expect(gone(first, second, third, fourth)).toEqual([false, true, false, false]);
    connections.end(first); // idle from now on, which is later than the third
    const fifth = await come();
    expect(gone(first, third, fourth, fifth)).toEqual([false, true, false, false]);
    await eventually(() => expect(connections.count()).toBe(3));
    expect(connections.closed()).toMatchObject({ idle: 2, refused: 0 });
  });

  it('an address with more than its share makes room first', async () => {
    const { come } = await held(4);
    const polite = await come('127.0.0.1');
    const greedy = [await come('127.0.0.2'), await come('127.0.0.2'), await come('127.0.0.2')];
    const more = await come('127.0.0.2');
    expect(gone(polite, ...greedy, more)).toEqual([false, true, false, false, false]);
  });

  it('a slow client makes room where none is idle, and only then is the newcomer refused', async () => {
    const slow: Connection[] = [];
    const { connections, come } = await held(2, () => slow[0]);
    const [first, second] = [await come(), await come()];
    connections.begin(first);
    connections.begin(second);
    const refused = await come();
    expect(gone(first, second, refused)).toEqual([false, false, true]);
    await eventually(() => expect(connections.count()).toBe(2));
    slow.push(first);
    const third = await come();
    expect(gone(first, second, third)).toEqual([true, false, false]);
    expect(connections.closed()).toMatchObject({ idle: 0, refused: 1, slow_client: 1 });
  });
});

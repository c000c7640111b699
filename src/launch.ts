#!/usr/bin/env node
import { openProgram } from './compiled-program.ts';

// What `dist/server.js` is: server.ts is beside it, in one file with all that it imports (scripts/bundle.ts).
openProgram(new URL('server-program.cjs', import.meta.url)).run();

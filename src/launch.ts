#!/usr/bin/env node
import { openProgram } from './compiled-program.ts';
import { boundGarbage } from './heap-bound.ts';

// What `dist/server.js` is: server.ts is beside it, in one file with all that it imports (scripts/bundle.ts).
// First of all: what V8 compiled under other flags it refuses, and scripts/compile.ts sets them as early.
boundGarbage();
openProgram(new URL('server-program.cjs', import.meta.url)).run();

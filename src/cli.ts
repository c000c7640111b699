#!/usr/bin/env node
import { run } from './cli/run.ts';
import { processTerminal } from './cli/terminal.ts';

// Should the process end before there is a verdict, it must not look like one.
process.exitCode = 3;
process.exitCode = await run(process.argv.slice(2), processTerminal());

import type { Command, Option } from 'commander';
import { wordsOf } from './command.ts';

/** What may stand behind a flag. `free`: nothing that a shell could know. */
export type FlagValue = readonly string[] | 'file' | 'free' | 'none';

export interface CompletedFlag {
  readonly name: string;
  readonly about: string;
  readonly value: FlagValue;
  readonly takesMany: boolean;
}

/** Where a command line stands, and what may come next. */
export interface Place {
  /** The words so far, without flags: `keys create`; empty behind `aegis`. */
  readonly path: string;
  readonly words: readonly { readonly word: string; readonly about: string }[];
  readonly flags: readonly CompletedFlag[];
}

/** All places of a program, its root first. */
export function placesOf(program: Command): readonly Place[] {
  const root = placeOf(program, '');
  const help = { word: 'help', about: 'print the help of a command' };
  return [
    { ...root, words: [...root.words, help] },
    { path: 'help', words: root.words, flags: [] },
    ...program.commands.flatMap((command) => placesBelow(command, command.name())),
  ];
}

function placesBelow(command: Command, path: string): readonly Place[] {
  return [
    placeOf(command, path),
    ...command.commands.flatMap((inner) => placesBelow(inner, `${path} ${inner.name()}`)),
  ];
}

function placeOf(command: Command, path: string): Place {
  const inner = command.commands.map((one) => ({ word: one.name(), about: one.summary() }));
  const choices = command.registeredArguments.flatMap(({ argChoices, description }) =>
    (argChoices ?? []).map((word) => ({ word, about: description })),
  );
  const help = { name: '--help', about: 'print this help', value: 'none', takesMany: false } as const;
  return { path, words: [...inner, ...choices], flags: [...command.options.flatMap(completedFlag), help] };
}

function completedFlag(option: Option): readonly CompletedFlag[] {
  const { long, description, variadic } = option;
  return typeof long === 'string'
    ? [{ name: long, about: description, value: valueOf(option), takesMany: variadic }]
    : [];
}

function valueOf(option: Option): FlagValue {
  if (!option.required) return 'none';
  return wordsOf(option) ?? (/<(file|dir|path)\b/.test(option.flags) ? 'file' : 'free');
}

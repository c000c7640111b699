/** One instruction of a Dockerfile: its name in capitals and the rest of its line, continuations joined. */
export interface Instruction {
  readonly name: string;
  readonly rest: string;
}

export interface Stage {
  /** The name after AS; empty where it has none. */
  readonly name: string;
  readonly instructions: readonly Instruction[];
}

/** The stages of a Dockerfile, in order. Instructions before the first FROM are left out. */
export function parseDockerfile(text: string): readonly Stage[] {
  const lines = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n');
  const stages: { name: string; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const match = /^([A-Z]+)\s+(.*)$/.exec(line.trim());
    if (match === null) continue;
    const [, name = '', rest = ''] = match;
    if (name === 'FROM') stages.push({ name: /\sAS\s+(\S+)/i.exec(rest)?.[1] ?? '', instructions: [] });
    stages.at(-1)?.instructions.push({ name, rest });
  }
  return stages;
}

/** The values of all instructions of this name in a stage. */
export function restsOf(stage: Stage, name: string): readonly string[] {
  return stage.instructions.filter((one) => one.name === name).map((one) => one.rest);
}

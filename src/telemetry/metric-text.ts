/** The text of several metrics, whose series are told one SLO after the other, but have to stand together in the end. */
export interface Families<Name extends string> {
  /** `labels` as `labelText` writes them. */
  add(name: Name, labels: string, value: number): void;
  /** Puts what was told so far out of the heap, as bytes. */
  pack(): void;
  end(): readonly Buffer[];
}

type Described<Name extends string> = Readonly<Record<Name, readonly [type: 'gauge' | 'counter', help: string]>>;

interface Family {
  readonly name: string;
  lines: string;
  readonly packed: Buffer[];
}

export function createFamilies<Name extends string>(described: Described<Name>): Families<Name> {
  const families = new Map<string, Family>();
  // An empty line before each, as prom-client leaves one between two.
  for (const [name, [type, help]] of Object.entries<readonly [string, string]>(described)) {
    families.set(name, { name, lines: `\n# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`, packed: [] });
  }
  const pack = () => {
    for (const family of families.values()) {
      family.packed.push(Buffer.from(family.lines));
      family.lines = '';
    }
  };
  return {
    add(name, labels, value) {
      const family = families.get(name);
      if (family !== undefined) family.lines += `${name}{${labels}} ${value}\n`;
    },
    pack,
    end() {
      pack();
      return [...families.values()].flatMap(({ packed }) => packed);
    },
  };
}

/** `slo="a",service="b"`, escaped as Prometheus reads it. */
export function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',');
}

const special = /[\\\n"]/;

function escaped(value: string): string {
  if (!special.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

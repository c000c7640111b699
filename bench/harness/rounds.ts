/**
 * Measures each subject once a round, in another random order each time, so that what changes on the machine meanwhile
 * meets all of them alike.
 */
export async function inRounds<Name extends string, T>(
  rounds: number,
  subjects: Readonly<Record<Name, () => Promise<T>>>,
  random: () => number = Math.random,
): Promise<Record<Name, T[]>> {
  const names = Object.keys(subjects) as Name[];
  const measured = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, T[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of shuffled(names, random)) measured[name].push(await subjects[name]());
  }
  return measured;
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

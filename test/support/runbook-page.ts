/** One fenced block of a page, with the block of output that is printed under it. */
export interface Block {
  readonly language: string;
  readonly text: string;
  readonly expected?: { readonly language: 'text' | 'json'; readonly text: string };
}

/** A heading and what stands between it and the next one. */
export interface Section {
  readonly heading: string;
  readonly blocks: readonly Block[];
  readonly text: string;
}

/** A block that is given to a shell or to sqlite3. */
export const isExecuted = ({ language }: Block): boolean => language === 'bash' || language === 'sql';

/** A block of commands that no test executes, since it takes other machines. */
export const isForPeople = ({ language }: Block): boolean => language === 'console';

// A fenced block goes first, so that a comment of a shell is not taken for a heading.
const parts = /^```(?<language>\w+)\n(?<body>[\s\S]*?)^```$|^#{1,6} (?<heading>.+)$/gm;

/** Reads headings and fenced blocks. A `text` or `json` block that follows commands is what they print. */
export function readPage(markdown: string): readonly Section[] {
  const sections: { heading: string; blocks: Block[]; from: number }[] = [];
  for (const { groups = {}, index } of markdown.matchAll(parts)) {
    const { heading, language, body = '' } = groups;
    if (heading !== undefined) sections.push({ heading, blocks: [], from: index });
    if (language !== undefined) add(sections.at(-1)?.blocks ?? [], language, body);
  }
  return sections.map(({ heading, blocks, from }, index) => ({
    heading,
    blocks,
    text: markdown.slice(from, sections[index + 1]?.from),
  }));
}

function add(blocks: Block[], language: string, text: string): void {
  const before = blocks.at(-1);
  const isOutput = language === 'text' || language === 'json';
  if (isOutput && before !== undefined && isExecuted(before) && before.expected === undefined)
    blocks[blocks.length - 1] = { ...before, expected: { language, text } };
  else blocks.push({ language, text });
}

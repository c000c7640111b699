/** A text to compare with, in which `*` stands for any characters but `/`, and `**` for any at all. */
export type Pattern = (text: string) => boolean;

export function pattern(glob: string): Pattern {
  const parts = glob.split(/(\*+)/).map((part) => {
    if (part === '*') return '[^/]*';
    return part.startsWith('*') ? '.*' : part.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&');
  });
  const regex = new RegExp(`^${parts.join('')}$`, 's');
  return (text) => regex.test(text);
}

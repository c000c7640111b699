import type { CompletedFlag, Place } from './completion-places.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof shells)[number];

/** Scripts with all that there is to know written into them: completing a word starts no program. */
export const completionScripts: Readonly<Record<Shell, (places: readonly Place[]) => string>> = { bash, zsh, fish };

function bash(places: readonly Place[]): string {
  const answers = {
    words: (list: string) => `COMPREPLY=($(compgen -W ${list} -- "$cur"))`,
    files: 'compopt -o default 2>/dev/null',
  };
  return `# Completion of aegis for bash. Made by: aegis completion bash
_aegis() {
  local cur=\${COMP_WORDS[COMP_CWORD]} place= flag= since=0 list= word i
  COMPREPLY=()
  [[ $cur == = ]] && cur=
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
${bodyOf(places, answers)}}
complete -F _aegis aegis
`;
}

function zsh(places: readonly Place[]): string {
  const answers = { words: (list: string) => `compadd -- \${=${list.replace(/^"\$|"$/g, '')}}`, files: '_files' };
  return `#compdef aegis
# Completion of aegis for zsh. Made by: aegis completion zsh
_aegis() {
  local cur=\${words[CURRENT]} place= flag= since=0 list= word i
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
${bodyOf(places, answers)}}
if [[ $funcstack[1] == _aegis ]]; then _aegis "$@"; else compdef _aegis aegis; fi
`;
}

/** From the loop over the words before the cursor on: where they lead, behind which flag, and what may come there. */
function bodyOf(
  places: readonly Place[],
  { words, files }: { readonly words: (list: string) => string; readonly files: string },
): string {
  const steps = places.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);
  const behind = (isWanted: (flag: CompletedFlag) => boolean) =>
    places.flatMap(({ path, flags }) => flags.filter(isWanted).map(({ name }) => `'${path} ${name}'`));
  const sets = new Map<string, string[]>();
  for (const { path, flags } of places)
    for (const { name, value, takesMany } of flags) {
      if (typeof value === 'string') continue;
      const action = `${takesMany ? '[[ $cur != -* ]]' : '((since == 0))'} && list='${value.join(' ')}'`;
      sets.set(action, [...(sets.get(action) ?? []), `'${path} ${name}'`]);
    }
  const listed = [...sets].map(([action, patterns]) => `    ${patterns.join(' | ')})\n      ${action} ;;\n`).join('');
  const lists = places.map(({ path, words: inner, flags }) => {
    const names = flags.map(({ name }) => name).join(' ');
    const nothingElse = inner.length === 0;
    const list = inner.map(({ word }) => word).join(' ');
    return `    '${path}') if [[ $cur == -* ]]; then list='${names}'; else list='${nothingElse ? names : list}'; fi ;;\n`;
  });
  return `    if [[ $word == -* ]]; then
      flag=\${word%%=*} since=0
      continue
    fi
    [[ $word == = ]] && continue
    [[ -n $flag ]] && since=$((since + 1))
    case "\${place:+$place }$word" in
      ${steps.join(' | ')})
        place="\${place:+$place }$word" flag= since=0 ;;
    esac
  done
  [[ -n $flag ]] && case "$place $flag" in
    ${behind(({ value }) => value === 'file').join(' | ')})
      ((since == 0)) && { ${files}; return; } ;;
    ${behind(({ value }) => value === 'free').join(' | ')})
      ((since == 0)) && return ;;
${listed}  esac
  [[ -z $list ]] && case "$place" in
${lists.join('')}  esac
  ${words('"$list"')}
`;
}

function fish(places: readonly Place[]): string {
  const quoted = (text: string) => `'${text.replace(/['\\]/g, '\\$&')}'`;
  const lines = places.flatMap(({ path, words, flags }) => [
    ...words.map(
      ({ word, about }) => `complete -c aegis -n ${quoted(`__aegis_at ${path}`)} -a ${word} -d ${quoted(about)}`,
    ),
    ...flags.map(({ name, about, value }) => {
      const flag = `complete -c aegis -n ${quoted(`__aegis_at ${path}`)} -l ${name.slice(2)} -d ${quoted(about)}`;
      if (value === 'none') return flag;
      if (value === 'file') return `${flag} -r -F`;
      return value === 'free' ? `${flag} -x` : `${flag} -x -a ${quoted(value.join(' '))}`;
    }),
  ]);
  const steps = places.filter(({ path }) => path !== '').map(({ path }) => quoted(path));
  return `# Completion of aegis for fish. Made by: aegis completion fish
function __aegis_at
    set -l place
    for word in (commandline -opc)[2..-1]
        set -l next (string join -- ' ' $place $word)
        contains -- "$next" ${steps.join(' ')}
        and set -a place $word
    end
    test "$place" = "$argv"
end
complete -c aegis -f
${lines.join('\n')}
`;
}

/** `switchyard completion`: what a shell needs to complete our command lines. */
import type { Command, CommandEntry, Input } from './command.ts';
import { candidates } from './completion-words.ts';
import { UsageError } from './command.ts';

/** @param commands what there is to complete. */
export const completion = (commands: readonly CommandEntry[]): Command => ({
  name: 'completion',
  takes: 'bash|zsh|fish',
  summary: 'prints a script with which a shell completes commands, options, servers and tools',
  about: [
    'bash: add to ~/.bashrc    source <(switchyard completion bash)',
    'zsh:  add to ~/.zshrc     source <(switchyard completion zsh)    (after compinit)',
    'fish: once                switchyard completion fish > ~/.config/fish/completions/switchyard.fish',
    'Names of tools are those that the servers told in earlier runs: nothing is started for them.',
  ].join('\n'),
  options: {},
  examples: ['switchyard completion bash >> ~/.bashrc', 'switchyard completion zsh >> ~/.zshrc'],
  positionals: true,
  run: (input) => run(input, commands),
});

const SCRIPTS: ReadonlyMap<string, string> = new Map([
  [
    'bash',
    `_switchyard() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("$line")
  done < <("\${COMP_WORDS[0]}" completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -o default -F _switchyard switchyard mcp-switchyard
`,
  ],
  [
    'zsh',
    `#compdef switchyard mcp-switchyard
_switchyard() {
  local -a found
  found=("\${(@f)$("\${words[1]}" completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _switchyard switchyard mcp-switchyard
`,
  ],
  [
    'fish',
    `function __switchyard_words
  set -l words (commandline -opc)
  $words[1] completion words -- $words[2..-1] (commandline -ct) 2>/dev/null
end
for name in switchyard mcp-switchyard
  complete -c $name -f -a '(__switchyard_words)'
  complete -c $name -l config -r -F
end
`,
  ],
]);

async function run(
  { positionals: [shell = '', unexpected], rest, machine, output }: Input,
  commands: readonly CommandEntry[],
): Promise<number> {
  if (unexpected !== undefined) throw new UsageError(`Unexpected argument "${unexpected}".`);
  // The scripts ask so, with the words that are there so far.
  if (shell === 'words') {
    for (const word of await candidates(rest, commands, machine)) output.line(word);
    return 0;
  }
  const script = SCRIPTS.get(shell);
  if (script === undefined)
    throw new UsageError(
      'switchyard completion expects one of bash, zsh and fish. See switchyard completion --help.',
    );
  if (output.json) output.document({ shell, script });
  else output.line(script.trimEnd());
  return 0;
}

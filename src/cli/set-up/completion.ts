import { printAnswer } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { Command } from '../command/define-command.ts';
import type { Shell } from './shells.ts';

/** Runs `completion`: prints a script by which a shell completes command lines of this program. */
export function completionCommand({ output }: Context, program: Command, shell: Shell): ExitStatus {
  const script = scriptFor(program.name(), completionScripts[shell]);
  return printAnswer(
    output,
    () => ({ command: 'completion', shell, script }),
    () => script.trimEnd(),
  );
}

/** Replaces the first program's name in a script by `name`. Keeps fleet-health-agent, which help texts name too. */
function scriptFor(name: string, script: string): string {
  return script
    .replaceAll(/(?<=^|[ _(])fleet-health(?!-agent)(?=[ .]|$)/gm, name)
    .replaceAll('fleet_health', name.replaceAll('-', '_'));
}

/** The scripts, which ask the hidden `complete` for the words. */
const completionScripts: Readonly<Record<Shell, string>> = {
  bash: `# Completion for bash: eval "$(fleet-health completion bash)", or a file of /usr/share/bash-completion/completions.
_fleet_health() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
    $'\\t'*) compopt -o default ;;
    *) COMPREPLY+=("$(printf %q "\${line%%$'\\t'*}")") ;;
    esac
  done < <("\${COMP_WORDS[0]}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _fleet_health fleet-health
`,
  zsh: `#compdef fleet-health
# Completion for zsh: a file _fleet-health in a folder of $fpath, or source <(fleet-health completion zsh) after compinit.
_fleet_health() {
  emulate -L zsh
  local -a lines
  lines=("\${(@f)$("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ $lines[1] == $'\\t'* ]]; then _files; else compadd -- "\${(@)lines%%$'\\t'*}"; fi
}
compdef _fleet_health fleet-health
`,
  fish: `# Completion for fish: a file fleet-health.fish in ~/.config/fish/completions.
function __fleet_health_words
    set -l words (commandline -opc)
    set -l begun (commandline -ct)
    set -l lines ($words[1] complete -- $words[2..] "$begun" 2>/dev/null)
    if string match -q -- \\t'*' $lines[1]
        __fish_complete_path $begun
    else
        string join -- \\n $lines
    end
end
complete -c fleet-health -f -a '(__fleet_health_words)'
`,
};

import { shellWord } from '../../text/shell-word.ts';
import type { Shell } from './shells.ts';
import type { CompletedCommand, CompletedOption, Values } from './completed-commands.ts';

/** The scripts, which contain the words of the command table. Names of config.xml come from the hidden `complete`. */
export const completionScripts: Readonly<Record<Shell, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/**
 * Returns the part that bash and zsh share, which sets `place`, `config`, `kind` and `known` from the words before the
 * cursor. (No variable is called `path`, which is zsh's search path.)
 */
function wordCases(commands: readonly CompletedCommand[]): string {
  const nested = commands.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);
  const optionCases = commands.flatMap(({ path, options }) => [
    ...options.filter(({ takesValue }) => takesValue).map((option) => valueCase(path, option)),
    `  '${path}|options') known='${options.flatMap(({ flags }) => flags).join(' ')}' ;;`,
  ]);
  const argumentCases = commands.map(
    ({ path, subcommands, values }) => `    '${path}') ${knownBy(subcommands.length > 0 ? subcommands : values)} ;;`,
  );
  return `  local place= config= kind= known= skip= word
  for word in "\${before[@]}"; do
    if [ "$skip" = config ]; then config=$word; fi
    if [ -n "$skip" ]; then skip=; continue; fi
    case $word in
    -c | --config) skip=config ;;
    -*) ;;
    *)
      case "$place\${place:+ }$word" in
      ${nested.join(' | ')}) place="$place\${place:+ }$word" ;;
      esac
      ;;
    esac
  done
  word=$previous
  case $current in
  -*) word=options ;;
  esac
  case "$place|$word" in
${optionCases.join('\n')}
  *)
    case $place in
${argumentCases.join('\n')}
    esac
    ;;
  esac`;
}

function valueCase(path: string, { flags, values }: CompletedOption): string {
  return `  ${flags.map((flag) => `'${path}|${flag}'`).join(' | ')}) ${knownBy(values)} ;;`;
}

function knownBy(values: Values): string {
  if (values === null) return 'kind=nothing';
  return typeof values === 'string' ? `kind=${values}` : `known='${values.join(' ')}'`;
}

function bashScript(commands: readonly CompletedCommand[]): string {
  return `# Completion for bash: eval "$(fleet-health completion bash)", or a file of /usr/share/bash-completion/completions.
_fleet_health() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local before=("\${COMP_WORDS[@]:1:COMP_CWORD-1}") name
${wordCases(commands)}
  COMPREPLY=()
  case $kind in
  files) compopt -o default ;;
  clients | groups)
    while IFS= read -r name; do
      case $name in "$current"*) COMPREPLY+=("$(printf %q "$name")") ;; esac
    done < <("\${COMP_WORDS[0]}" \${config:+-c "$config"} complete "$kind" 2>/dev/null)
    ;;
  *) for name in $known; do case $name in "$current"*) COMPREPLY+=("$name") ;; esac; done ;;
  esac
}
complete -F _fleet_health fleet-health
`;
}

function zshScript(commands: readonly CompletedCommand[]): string {
  return `#compdef fleet-health
# Completion for zsh: a file _fleet-health in a folder of $fpath, or source <(fleet-health completion zsh) after compinit.
_fleet_health() {
  emulate -L zsh
  local current=\${words[CURRENT]} previous=\${words[CURRENT - 1]}
  local -a before names
  before=("\${(@)words[2,CURRENT - 1]}")
${wordCases(commands)}
  case $kind in
  files) _files ;;
  clients | groups)
    names=("\${(@f)$("\${words[1]}" \${config:+-c} \${config:+"$config"} complete "$kind" 2>/dev/null)}")
    compadd -- "\${names[@]}"
    ;;
  *) compadd -- \${=known} ;;
  esac
}
compdef _fleet_health fleet-health
`;
}

function fishScript(commands: readonly CompletedCommand[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const valuesOf = (values: Values): string => {
    if (values === null) return '';
    if (values === 'files') return '-F ';
    return typeof values === 'string' ? `-a '(__fleet_health_names ${values})' ` : `-a ${quoted(values.join(' '))} `;
  };
  const lines = commands.flatMap(({ path, options, values }) => {
    const here = `complete -c fleet-health -n '__fleet_health_at ${path}'`;
    return [
      ...options.map(({ flags, help, takesValue, values: own }) => {
        const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
        return `${here} ${names.join(' ')} ${takesValue ? '-r ' : ''}${valuesOf(own)}-d ${quoted(help)}`;
      }),
      ...(values === null ? [] : [`${here} ${valuesOf(values)}`.trimEnd()]),
      ...commands
        .filter((one) => one.path !== '' && one.path.split(' ').slice(0, -1).join(' ') === path)
        .map((one) => `${here} -a ${shellWord(one.path.split(' ').at(-1) ?? '')} -d ${quoted(one.help)}`),
    ];
  });
  return `# Completion for fish: a file fleet-health.fish in ~/.config/fish/completions.
set -g __fleet_health_paths ${commands.map(({ path }) => quoted(path)).join(' ')}
function __fleet_health_at
    set -l path ''
    set -l skip no
    for word in (commandline -opc)[2..]
        if test $skip = yes
            set skip no
        else if contains -- $word -c --config
            set skip yes
        else if not string match -q -- '-*' $word
            set -l longer (string trim -- "$path $word")
            contains -- $longer $__fleet_health_paths; and set path $longer
        end
    end
    test "$path" = "$argv"
end
function __fleet_health_names
    set -l words (commandline -opc)
    set -l at (contains -i -- -c $words; or contains -i -- --config $words)
    set -l config
    set -q at[1]; and set config -c $words[(math $at[1] + 1)]
    $words[1] $config complete $argv 2>/dev/null
end
complete -c fleet-health -f
${lines.join('\n')}
`;
}

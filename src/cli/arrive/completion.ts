import { printAnswer } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { Command } from '../command/define-command.ts';
import { completionScripts } from './completion-scripts.ts';
import type { Shell } from './shells.ts';

/** Runs `completion`: prints a script by which a shell completes command lines of this program. */
export function completionCommand({ output }: Context, program: Command, shell: Shell): ExitStatus {
  const script = scriptFor(program.name(), completionScripts[shell]);
  printAnswer(
    output,
    () => ({ command: 'completion', shell, script }),
    () => script.trimEnd(),
  );
  return 0;
}

/** Replaces the first program's name in a script by `name`. Keeps fleet-health-agent, which help texts name too. */
function scriptFor(name: string, script: string): string {
  return script
    .replaceAll(/(?<=^|[ _(])fleet-health(?!-agent)(?=[ .]|$)/gm, name)
    .replaceAll('fleet_health', name.replaceAll('-', '_'));
}

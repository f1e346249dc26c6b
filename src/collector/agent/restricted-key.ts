import { FleetError } from '../../errors.ts';
import { findLauncherWords, launcherStatus, noAwk } from '../../loader/launcher.ts';
import type { Exchange } from './agent-exchange.ts';

/**
 * Returns the fault of a launcher that did not run its agent, or null if none spoke. `complaints` is the rest of
 * stderr.
 */
export function restrictedKeyFault(ended: Exchange, client: string, complaints: string): FleetError | null {
  const words = ended.started ? null : findLauncherWords(ended.complained);
  if (words === null) return null;
  const fault = (code: 'no-runtime' | 'restricted-key', message: string, advice: string): FleetError =>
    new FleetError({ code, stage: 'agent', client, message: `${client}: ${message}`, advice });
  const authorize = `fleet-health authorize ${client}`;
  switch (ended.status) {
    case launcherStatus.noRuntime:
      if (words.reason === noAwk) {
        return fault('no-runtime', 'the restricted key found no awk for the shell agent', 'Install awk.');
      }
      return fault(
        'no-runtime',
        `the restricted key found no Node.js${complaints === '' ? '' : `: ${complaints}`}`,
        `Install it, or name it with node="PATH" and run ${authorize}; \`${authorize} --agent shell\` needs none.`,
      );
    case launcherStatus.agentAbsent:
      return fault(
        'restricted-key',
        `agent ${shown(words.digest)}, which the restricted key is made for, is not on the client or was changed`,
        `Install what \`${authorize} --script\` prints.`,
      );
    case launcherStatus.refused:
      return fault(
        'restricted-key',
        `the restricted key runs nothing but agent ${shown(words.digest)}`,
        `For another agent run \`${authorize} --script\`; for anything else use another key.`,
      );
    case launcherStatus.otherVersion:
      return fault(
        'restricted-key',
        `agent ${shown(words.digest)} of the restricted key speaks another version of the protocol`,
        `Install what \`${authorize} --script\` prints.`,
      );
    default:
      return null;
  }
}

function shown(digest: string): string {
  return digest.slice(0, 12);
}

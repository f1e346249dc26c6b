import { parseEvery } from '../../agent-program/every-bounds.ts';
import { nowhereError, push, type PushResult } from '../../agent-program/push/push.ts';
import { pattooUrl } from '../../agent-program/push/post-pattoo.ts';
import { pushPattoo } from '../../agent-program/push/push-pattoo.ts';
import { readSettings, type AgentSettings } from '../../agent-program/settings.ts';
import { openStatePlace } from '../../agent-program/state-place.ts';
import { FleetError, usageError } from '../../errors.ts';
import { counted } from '../../text/numbers.ts';
import { printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';

export interface PushCommand {
  readonly once: boolean;
  /** null: pushes once. */
  readonly every: string | null;
  readonly format: 'pattoo' | null;
  /** The pattoo server, with `format`. null: reports go to the collector of agent.json. */
  readonly to: string | null;
}

/**
 * Runs `push`: sends a new report and all unacknowledged ones, repeatedly with `--every`. Throws FleetError
 * `push-failed` if some were not acknowledged.
 */
export async function pushCommand(context: Context, options: PushCommand): Promise<ExitStatus> {
  const { once: atOnce, every, format, to } = options;
  if (every !== null) {
    const everyMs = parseEvery(every);
    const { runCommand } = await import('./run.ts');
    return await runCommand(context, { mode: 'push', send: false, inBackground: false, everyMs });
  }
  const settings = readSettings(context.configFile);
  if (format !== null || to !== null) return await postPattoo(context, settings, to, format !== null);
  const { enrolment } = settings;
  if (enrolment === null || enrolment.to === null) throw nowhereError();
  const result = await push({ settings, enrolment, atOnce, signal: context.signal });
  const { acknowledged, kept, fault, failure, advice } = result;
  if (failure !== null || fault !== null || (kept > 0 && result.pausedUntilMs === null)) {
    const because = failure ?? fault?.message ?? 'the collector did not acknowledge all';
    const message = `${because}; ${counted(kept, 'report')} ${kept === 1 ? 'is' : 'are'} kept`;
    throw new FleetError({ code: 'push-failed', stage: 'run', message, advice });
  }
  printDone(
    context.output,
    () => ({ command: 'push', acknowledged, kept, paused_until: pauseText(result) }),
    () =>
      result.pausedUntilMs === null
        ? `${counted(acknowledged, 'report')} sent`
        : `${counted(kept, 'report')} kept until ${String(pauseText(result))}, after pushes that failed`,
  );
  return 0;
}

/** Runs `push --format pattoo --to URL`. Throws FleetError `push-failed` if the server did not accept all reports. */
async function postPattoo(
  context: Context,
  settings: AgentSettings,
  to: string | null,
  hasFormat: boolean,
): Promise<ExitStatus> {
  const url = pattooUrl(to);
  if (!hasFormat || url === null) {
    const advice = 'Write it like --format pattoo --to https://pattoo.example.org/pattoo/api/v1/agent';
    throw usageError(
      '--format pattoo needs --to with a URL of https or http without a login, and --to the format',
      advice,
    );
  }
  const place = openStatePlace(settings.stateDirectory);
  const { acknowledged, kept, failure } = await pushPattoo({ settings, place, to: url, signal: context.signal });
  if (failure !== null) {
    const message = `${failure}; ${counted(kept, 'report')} ${kept === 1 ? 'is' : 'are'} kept`;
    const advice = 'Check the URL, and the server; the reports go with a later push.';
    throw new FleetError({ code: 'push-failed', stage: 'run', message, advice });
  }
  printDone(
    context.output,
    () => ({ command: 'push', acknowledged, kept, paused_until: null }),
    () => `${counted(acknowledged, 'report')} sent`,
  );
  return 0;
}

function pauseText({ pausedUntilMs }: PushResult): string | null {
  return pausedUntilMs === null ? null : new Date(pausedUntilMs).toISOString();
}

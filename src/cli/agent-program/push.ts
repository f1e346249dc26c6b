import { nowhereError, push, type PushResult } from '../../agent-program/push/push.ts';
import { pushPattoo } from '../../agent-program/push/push-pattoo.ts';
import { readSettings, type AgentSettings } from '../../agent-program/settings.ts';
import { openStatePlace } from '../../agent-program/state-place.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import { counted } from '../../text/numbers.ts';
import { printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import type { pushParameters } from './parameters.ts';
import { modeOf, runCommand, serverOf } from './run.ts';

/**
 * Runs `push`: sends a new report and all unacknowledged ones, repeatedly with `--every`. Throws FleetError
 * `push-failed` if some were not acknowledged.
 */
export async function pushCommand(context: Context, options: OptionsOf<typeof pushParameters>): Promise<ExitStatus> {
  const { once: atOnce, every, format, to } = options;
  if (every !== null) {
    return await runCommand(context, { mode: 'push', send: false, inBackground: false, every, format, to });
  }
  const settings = readSettings(context.configFile);
  if (modeOf({ mode: 'push', format, to }) === 'pattoo') return await postPattoo(context, settings, to);
  const { enrolment } = settings;
  if (enrolment === null || enrolment.to === null) throw nowhereError();
  const result = await push({ settings, enrolment, atOnce, signal: context.signal });
  const { acknowledged, kept, fault, failure, advice } = result;
  if (failure !== null || fault !== null || (kept > 0 && result.pausedUntilMs === null)) {
    const because = failure ?? fault?.message ?? 'the collector did not acknowledge all';
    const message = `${because}; ${counted(kept, 'report')} ${kept === 1 ? 'is' : 'are'} kept`;
    throw new FleetError({ code: 'push-failed', stage: 'run', message, advice });
  }
  return printDone(
    context.output,
    () => ({ command: 'push', acknowledged, kept, paused_until: pauseText(result) }),
    () =>
      result.pausedUntilMs === null
        ? `${counted(acknowledged, 'report')} sent`
        : `${counted(kept, 'report')} kept until ${String(pauseText(result))}, after pushes that failed`,
  );
}

/** Runs `push --format pattoo --to URL`. Throws FleetError `push-failed` if the server did not accept all reports. */
async function postPattoo(context: Context, settings: AgentSettings, to: string | null): Promise<ExitStatus> {
  const url = to === null && settings.pattoo !== null ? settings.pattoo.to : serverOf(to);
  const place = openStatePlace(settings.stateDirectory);
  const { acknowledged, kept, failure } = await pushPattoo({ settings, place, to: url, signal: context.signal });
  if (failure !== null) {
    const message = `${failure}; ${counted(kept, 'report')} ${kept === 1 ? 'is' : 'are'} kept`;
    const advice = 'Check the URL, and the server; the reports go with a later push.';
    throw new FleetError({ code: 'push-failed', stage: 'run', message, advice });
  }
  return printDone(
    context.output,
    () => ({ command: 'push', acknowledged, kept, paused_until: null }),
    () => `${counted(acknowledged, 'report')} sent`,
  );
}

function pauseText({ pausedUntilMs }: PushResult): string | null {
  return pausedUntilMs === null ? null : new Date(pausedUntilMs).toISOString();
}

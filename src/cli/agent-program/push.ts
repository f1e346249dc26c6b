import { nowhereError, push, type PushResult } from '../../agent-program/push/push.ts';
import { readSettings } from '../../agent-program/settings.ts';
import { FleetError } from '../../errors.ts';
import { counted } from '../../text/numbers.ts';
import { printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';

/** `push`: one report, and all that waits. Throws FleetError `push-failed` if some was not acknowledged. */
export async function pushCommand(context: Context, atOnce: boolean): Promise<ExitStatus> {
  const settings = readSettings(context.configFile);
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

function pauseText({ pausedUntilMs }: PushResult): string | null {
  return pausedUntilMs === null ? null : new Date(pausedUntilMs).toISOString();
}

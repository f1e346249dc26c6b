import { openSiteFacts } from '../../collector/forward/site-facts.ts';
import { openSealedSpool } from '../../collector/sealed-reports/sealed-spool.ts';
import type { Config, ForwardConfig } from '../../config/config.ts';
import { messageOf } from '../../platform/errors/errors.ts';
import { secondMs } from '../../platform/units.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { describeAge, describeDuration } from '../../text/durations.ts';
import { counted, namedUpTo } from '../../text/numbers.ts';
import { plainAnswer } from './plain-answer.ts';

const maxNamed = 5;
/** The largest difference of two clocks that needs no note. */
const maxOffMs = 30 * secondMs;

/** Returns sentences about a site's clock, the reports that wait here, and the clients that were refused. */
export async function siteNotes(config: Config, forward: ForwardConfig, signal: AbortSignal): Promise<string[]> {
  const { encryptedStats, siteFacts } = statePaths(config.stateDir);
  // A link that fails is reported as a failed trial already.
  const answer = forward.url === null ? null : await plainAnswer(new URL(forward.url), signal).catch(() => null);
  signal.throwIfAborted();
  const nowMs = Date.now();
  const waiting = await openSealedSpool(encryptedStats)
    .scan(false)
    .then(
      ({ reports }) =>
        waitingNote(
          reports.map(({ receivedAtMs }) => receivedAtMs),
          nowMs,
        ),
      (thrown: unknown) => `the reports that wait here cannot be counted (${messageOf(thrown)})`,
    );
  const refused = openSiteFacts(siteFacts).refused();
  return [clockNote(answer?.dateMs ?? null, nowMs), waiting, refusedNote(refused)].filter((note) => note !== null);
}

/** Returns a sentence if the two clocks are more than 30 s apart; else null. */
export function clockNote(theirsMs: number | null, nowMs: number): string | null {
  const aheadMs = theirsMs === null ? 0 : nowMs - theirsMs;
  if (Math.abs(aheadMs) <= maxOffMs) return null;
  const off = `${describeDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'}`;
  return `the clock here is ${off} the one that answers at hq: have NTP set both (timedatectl set-ntp true)`;
}

function waitingNote(receivedMs: readonly number[], nowMs: number): string | null {
  if (receivedMs.length === 0) return null;
  const oldestMs = receivedMs.reduce((oldest, atMs) => Math.min(oldest, atMs));
  return (
    `${counted(receivedMs.length, 'report')} of this site wait here, the oldest for ${describeAge(nowMs - oldestMs)}: ` +
    'collect forwards them; if they do not get fewer while the link is well, look at the disk of hq'
  );
}

function refusedNote(refused: readonly string[]): string | null {
  if (refused.length === 0) return null;
  return (
    `hq refused reports of ${namedUpTo(maxNamed, refused)} in the last run: give them transport="forward" and the ` +
    "label of this site in hq's config.xml; push-refused in the log of `fleet-health serve` there says why"
  );
}

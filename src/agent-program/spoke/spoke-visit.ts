import { closeVisit } from '../../../agent/spool/visit.ts';
import { removeFile } from '../../../agent/start/private-file.ts';
import { listSpool } from '../../../agent/spool/spool.ts';
import { secondMs } from '../../platform/units.ts';
import { parsePolledVisit } from '../../report/seal/push.ts';
import type { ModeContext } from '../mode-context.ts';
import { makeOwnReport, noOwnReport, openOwnVisit, type OwnReport } from '../push/own-visit.ts';
import { acknowledgedIn, pushStreams } from '../push/push-stream.ts';
import { plainAnswer, type SpokeAnswer } from './spoke-answer.ts';

type Spoke = Pick<ModeContext, 'settings' | 'log' | 'note'>;

/** The time from the end of the probes to the collector's deadline, for sending the answer. */
const reserveMs = 2 * secondMs;
const minMs = 3 * secondMs;

/**
 * Takes a report, unless the collector only requests further ones, and returns it with the oldest unacknowledged
 * reports behind the place that the collector names. The reports stay in the spool until they are acknowledged.
 */
export async function answerVisit({ settings, log, note }: Spoke, body: Buffer): Promise<Buffer | SpokeAnswer> {
  const { enrolment } = settings;
  const asked = parsePolledVisit(body);
  if (enrolment === null || asked === null) return plainAnswer(400, 'That is no visit of this version.');
  const own = openOwnVisit(settings, enrolment);
  const timeoutMs = Math.max(minMs, asked.timeoutMs - reserveMs);
  const report: OwnReport = asked.takesReport ? await makeOwnReport(own, timeoutMs) : noOwnReport;
  const { fault, unspooled, reportId } = report;
  const { after } = asked;
  const stream = pushStreams({ ...own, fault, unspooled, failures: 0, asked: { reportId, after } })();
  const { files = new Map<string, never>(), left = 0, body: answer = Buffer.alloc(0) } = stream ?? {};
  if (asked.takesReport) note({ lastReportAtMs: Date.now(), queue: files.size + left });
  log.event('visited', { reports: files.size, left, fault: fault?.message ?? undefined });
  return answer;
}

/**
 * Removes the reports that the collector has stored safely, and calls `onDelivered`. A request without report ids only
 * proves that this machine answers and knows the key.
 */
export function acknowledge(
  { settings, log, note }: Spoke,
  body: Buffer,
  onDelivered?: () => void,
): Promise<Buffer | SpokeAnswer> {
  const { enrolment } = settings;
  const ids = acknowledgedIn(body);
  if (enrolment === null || ids.size === 0) return Promise.resolve(Buffer.alloc(0));
  const { visit } = openOwnVisit(settings, enrolment);
  const kept = listSpool([...visit.dirs, ...visit.formerDirs]);
  const gone = kept.filter(({ id, path }) => ids.has(id.replaceAll('-', '')) && removeFile(path));
  closeVisit(visit);
  log.event('acknowledged', { reports: gone.length });
  if (gone.length > 0) onDelivered?.();
  note({ lastReportAtMs: kept.at(-1)?.timeMs ?? null, queue: kept.length - gone.length });
  return Promise.resolve(Buffer.alloc(0));
}

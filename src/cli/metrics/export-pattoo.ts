import * as v from 'valibot';

import { pattooHubReport } from '../../agent-program/pattoo.ts';
import { pattooUrl, postPattoo, refusals } from '../../agent-program/push/post-pattoo.ts';
import type { Config } from '../../config/config.ts';
import { FleetError, usageError } from '../../platform/errors/errors.ts';
import { hourMs, minuteMs } from '../../platform/units.ts';
import { loadCollectorId } from '../../state-folder/collector-id.ts';
import { readKeptList, writeKeptList } from '../../state-folder/kept-list.ts';
import { holdLock } from '../../state-folder/lock.ts';
import { statePaths, type StatePaths } from '../../state-folder/paths.ts';
import { claimStateFolder } from '../../state-folder/state-folder.ts';
import type { ExportStore } from '../../storage/store/figure-store.ts';
import { counted } from '../../text/numbers.ts';
import { printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { readAfterFirstRun } from '../command/read-stored.ts';
import { loadSettings } from '../command/settings.ts';
import { parseSince } from '../command/until.ts';

const postedPlace = v.object({
  to: v.string(),
  /** 0: the server has no report yet. */
  stat_id: v.pipe(v.number(), v.safeInteger()),
  /** The server gets no older reports. Files of earlier versions have no time. */
  since_ms: v.exactOptional(v.number()),
});

/** The position in the database up to which a server has the reports. */
type PostedPlace = Readonly<v.InferOutput<typeof postedPlace>>;

/** The number of reports in memory at a time. The position is written after each such page. */
const pageReports = 50;
/** Two writers may commit in another order than that of their ids; within this time both have committed. */
const settlingMs = 2 * minuteMs;

/**
 * Runs `export pattoo`: posts the stored reports that the server has not accepted, in the order in which they were
 * stored. The server accepts a report only by status 200. Throws FleetError `push-failed` if some were not accepted,
 * and `locked` if another export is running.
 */
export async function exportPattoo(
  context: Context,
  { to, since }: { readonly to: string | null; readonly since: string | null },
): Promise<ExitStatus> {
  const url = pattooUrl(to);
  if (url === null) {
    const advice = 'Write it like export pattoo --to https://pattoo.example.org/pattoo/api/v1/agent';
    throw usageError('export pattoo needs --to with a URL of https or http without a login', advice);
  }
  const config = loadSettings(context);
  const paths = statePaths(config.stateDir);
  claimStateFolder(paths, []);
  const message = (): string => 'another export to a server of pattoo is under way';
  const release = await holdLock({ file: paths.pattooLock, message });
  try {
    return reportExport(context, url, await exportStored(context, { config, paths, url, since }));
  } finally {
    release();
  }
}

interface ExportStored {
  readonly config: Config;
  readonly paths: StatePaths;
  readonly url: URL;
  readonly since: string | null;
}

async function exportStored(context: Context, { config, paths, url, since }: ExportStored): Promise<PostedAll> {
  const collectorId = loadCollectorId(paths.collectorId);
  const places = readKeptList(paths.pattooPosted, 'servers', postedPlace);
  const place = places.find((known) => known.to === url.href) ?? null;
  const others = places.filter((known) => known !== place);
  return await readAfterFirstRun(config.storage, context.signal, async (storage) => {
    const after = place?.stat_id ?? 0;
    if (after > ((await storage.exports.lastStatId()) ?? after)) throw otherDatabase(paths.pattooPosted, url);
    const nowMs = await storage.nowMs();
    const isFirst = place === null || (since !== null && place.stat_id === 0);
    const firstMs = since === null ? nowMs - hourMs : parseSince('--since', since, config, nowMs);
    const sinceMs = isFirst ? firstMs : (place.since_ms ?? 0);
    const keep = (statId: number): void => {
      const own: PostedPlace = { to: url.href, stat_id: statId, since_ms: sinceMs };
      writeKeptList(paths.pattooPosted, 'servers', [...others, own]);
    };
    // If the server is unreachable now, the next export begins at the same time.
    if (isFirst) keep(0);
    return await postAll(storage.exports, {
      ...{ collectorId, to: url, signal: context.signal, keep },
      after,
      sinceMs,
      receivedUntilMs: nowMs - settlingMs,
    });
  });
}

function otherDatabase(file: string, { href }: URL): FleetError {
  const message =
    `the last report that ${href} took is behind all that are stored, ` + 'as if the database were another one';
  const advice =
    `If it is, remove that entry from ${file}, and name with --since where to begin. If not, ` + 'wait for a report.';
  return new FleetError({ code: 'push-failed', stage: 'run', message, advice });
}

/** Prints the result. Throws FleetError `push-failed` if some reports were not accepted. */
function reportExport(context: Context, url: URL, { taken, refused, failure }: PostedAll): ExitStatus {
  if (failure !== null) {
    const message = `${failure}; ${counted(taken, 'report')} sent, ${refused} refused for good`;
    const advice = 'Check the URL, and the server; reports that it did not answer go with the next export.';
    throw new FleetError({ code: 'push-failed', stage: 'run', message, advice });
  }
  const done = { command: 'export', format: 'pattoo', to: url.href, reports: taken };
  return printDone(
    context.output,
    () => done,
    () => `${counted(taken, 'report')} sent`,
  );
}

interface PostAll {
  readonly collectorId: string;
  readonly to: URL;
  /** Only reports after this row are posted. */
  readonly after: number;
  readonly sinceMs: number;
  /** Reports that were received later, and rows after them, wait for the next export. */
  readonly receivedUntilMs: number;
  readonly signal: AbortSignal;
  /** Stores the row up to which the server has all reports. */
  readonly keep: (statId: number) => void;
}

interface PostedAll {
  readonly taken: number;
  /** The number of reports that the server will never accept. The export skips them. */
  readonly refused: number;
  /** The reason why not all reports were accepted; null if they were. */
  readonly failure: string | null;
}

async function postAll(store: ExportStore, options: PostAll): Promise<PostedAll> {
  const { collectorId, to, sinceMs, receivedUntilMs, signal, keep } = options;
  let [after, taken, refused] = [options.after, 0, 0];
  let failure: string | null = null;
  for (;;) {
    const begun = after;
    const reports = await store.reportsBehind({ statId: after, sinceMs, receivedUntilMs, limit: pageReports });
    let isAway = false;
    try {
      for (const { statId, client, observedAtMs: atMs, report } of reports) {
        const document = JSON.stringify(pattooHubReport({ collectorId, client, atMs, report }));
        const { status, fault } = await postPattoo(to, document, signal);
        signal.throwIfAborted();
        failure ??= fault;
        isAway = fault !== null && !refusals.has(status ?? 0);
        if (isAway) break;
        if (fault === null) taken += 1;
        else refused += 1;
        after = statId;
      }
    } finally {
      if (after > begun) keep(after);
    }
    if (isAway || reports.length < pageReports) return { taken, refused, failure };
  }
}

import { hostname } from 'node:os';

import type { CollectEvent, CollectResult } from '../../collector/collect-options.ts';
import { collect } from '../../collector/collector.ts';
import { isDatabaseAway } from '../../notify/away-notices.ts';
import { asFleetError, FleetError, isOwnFault } from '../../platform/errors/errors.ts';
import { steadyClock } from '../../platform/steady-clock.ts';
import { openStorage } from '../../storage/open-storage.ts';
import { transportFor } from '../../transport/transport-for.ts';
import { createTransportShared, type TransportShared } from '../../transport/transport-shared.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { leftByFirstRun } from '../command/left-database.ts';
import { chooseClients, isWholeFleet, loadLastSettings } from '../command/settings.ts';
import type { Output } from '../terminal/output.ts';
import { readerTime } from '../terminal/reader-time.ts';
import { type CollectView, createCollectView } from './collect-views.ts';
import type { collectParameters } from './parameters.ts';
import { openRunNotices, type RunNotices, showsAll, stillText } from './run-notices.ts';
import { showEvent } from './run-view.ts';

type CollectCommandOptions = Omit<OptionsOf<typeof collectParameters>, 'every'>;

/** The number of clients from which the heap is bounded, although a run takes a little longer then. */
const largeFleet = 1000;

/** Runs `collect`: makes one run over the fleet, shown to a person, a log or a program. */
export async function collectCommand(context: Context, options: CollectCommandOptions): Promise<ExitStatus> {
  const { output, signal } = context;
  const { config, broken } = loadLastSettings(context);
  const chosen = chooseClients(config, options);
  const everyone = isWholeFleet(options);
  const view = await createCollectView(output, options.format, readerTime(config, Date.now()));
  const shared = createTransportShared({ config });
  const host = hostname();
  const notices = options.dryRun ? null : openRunNotices({ config, broken, program: 'collect', host, signal }, output);
  const observe = heeding(view, output, notices);
  const run = async (): Promise<CollectResult> => {
    try {
      return await collect({
        config,
        only: everyone ? null : new Set(chosen.map((client) => client.name)),
        ignoreBackoff: options.clients.length > 0,
        openStorage: (use) =>
          openStorage({ storage: config.storage, migrate: config.storage.migrate, program: 'collect', ...use }),
        transportFor: (client) => transportFor(client, shared),
        jumpsTo: (client) => shared.jumpsTo(client),
        spreadStart: everyone && !output.terminal,
        retries: options.retry ?? 0,
        dryRun: options.dryRun,
        ...(options.noOpen ? { open: false } : {}),
        ...(options.concurrency === null ? {} : { concurrency: options.concurrency }),
        signal,
        observe,
        now: steadyClock(),
        host,
      });
    } finally {
      await shared.close();
    }
  };
  const made = (
    chosen.length < largeFleet ? run() : (await import('../../platform/heap-growth.ts')).withBoundedHeap(run)
  ).catch((thrown: unknown) => {
    const isOwn = thrown instanceof FleetError && isOwnFault(thrown.code);
    if (!isOwn || notices === null || showsAll(output)) throw thrown;
    observe({ kind: 'fault', fault: thrown });
    return thrown.exitStatus;
  });
  const result = await made;
  if (typeof result === 'number') return result;
  await notices?.end(result.outcome === 'overlapped' ? null : isDatabaseWell(result));
  if (config.metrics !== null && config.collector.forward === null && !options.dryRun && isDatabaseWell(result)) {
    await (await import('./write-textfile.ts')).writeTextfile(config, config.metrics, output, signal);
  }
  const left = options.dryRun || result.outcome === 'overlapped' ? null : await leftByFirstRun(config, signal);
  if (left !== null) showEvent(view, { kind: 'note', message: left });
  const unsaved = options.dryRun || result.outcome === 'overlapped' ? [] : save(shared);
  for (const fault of unsaved) observe({ kind: 'fault', fault });
  const isKnown = ({ code }: FleetError): boolean => result.faults.some((fault) => fault.code === code);
  const exitStatus = unsaved.length > 0 ? 3 : result.exitStatus;
  view.end({ ...result, exitStatus, faults: [...result.faults, ...unsaved.filter((fault) => !isKnown(fault))] });
  return broken === null || exitStatus > 1 ? exitStatus : 1;
}

/** Saves what the visits have noted for later runs. Returns the faults: the run itself is over. */
function save(shared: TransportShared): readonly FleetError[] {
  // They are read when they are first used.
  return (['keyLogins', 'opensshOnly', 'oneChannel', 'names'] as const).flatMap((what) => {
    try {
      shared[what].save();
      return [];
    } catch (thrown) {
      return [asFleetError(thrown, { code: 'state-unusable', stage: 'run' })];
    }
  });
}

/** Returns an observer that shows a lasting fault once an hour, as cron mails every line, else as a note. */
function heeding(view: CollectView, output: Output, notices: RunNotices | null) {
  const saysAll = showsAll(output);
  const own = new Set<string>();
  return (event: CollectEvent): void => {
    if (event.kind === 'fault' && isOwnFault(event.fault.code)) {
      // A lack of this machine shows at many places.
      if (own.has(event.fault.code)) return;
      own.add(event.fault.code);
    }
    if (event.kind !== 'fault' || notices === null || notices.heed(event.fault) || saysAll) showEvent(view, event);
    else showEvent(view, { kind: 'note', message: stillText(event.fault) });
  };
}

function isDatabaseWell({ faults, outcome }: CollectResult): boolean {
  return (outcome === 'finished' || outcome === 'failed') && !faults.some(isDatabaseAway);
}

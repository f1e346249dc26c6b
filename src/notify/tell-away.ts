/**
 * Tells people, without the database, that it is away, or that config.xml is broken: a line on stderr at first and then
 * hourly, a mail after ten minutes, and one mail when all is well again. Collector and alerter of one machine share what
 * was told, so that nobody is told twice.
 */
import { existsSync, rmSync } from 'node:fs';

import type { Config } from '../config/config.ts';
import { asFleetError } from '../errors.ts';
import type { FleetError } from '../errors.ts';
import { statePaths } from '../state/paths.ts';
import { isLineDue, isMailDue } from './away-schedule.ts';
import { changeAwayState, makeAwayState } from './away-state.ts';
import type { Notifier } from './notify.ts';
import type { AwayChange, AwayState } from './away-state.ts';
import { databaseAway, type AwayTopic } from './away-topic.ts';

export interface AwayTellerOptions {
  readonly topic: AwayTopic;
  readonly config: Config;
  readonly program: 'collect' | 'alert';
  readonly host: string;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

export interface AwayTeller {
  /** A fault of the run. True when it is to be said: it is none of the topic, or its line is due. */
  heed(fault: FleetError): boolean;
  /** At the run's end; `well`: nothing was away. Sends what is due. Returns what went wrong with that. */
  end(well: boolean): Promise<readonly FleetError[]>;
}

/** Whether a run lacked its database: what is asked of it, not the program or the run, is at fault. */
export function isDatabaseAway({ stage, code }: Pick<FleetError, 'stage' | 'code'>): boolean {
  return stage === 'storage' && code !== 'locked' && code !== 'interrupted';
}

type Due = { readonly kind: 'away' | 'back'; readonly before: AwayState };

export function createAwayTeller(options: AwayTellerOptions): AwayTeller {
  const { config, program, now, topic } = options;
  const file = statePaths(config.stateDir)[topic.state];
  const repeatMs = topic.repeats ? config.alerts.repeatMs : null;
  let last: FleetError | null = null;
  let says = true;
  let isOver = false;

  /** Where even this state cannot be written everything is said, and no mail goes out: there could be one a minute. */
  const change = <T>(work: (state: AwayChange) => T, otherwise: T): T => {
    try {
      return changeAwayState(file, work);
    } catch {
      return otherwise;
    }
  };

  /** A run in which all is well does not open a state that it need not keep. */
  const leave = (): void => {
    if (!topic.isPrepared) rmSync(file, { force: true });
  };

  const due = (): Due | null =>
    change<Due | null>((state) => {
      const before = state.state;
      if (last !== null) {
        if (!isMailDue(before, now(), repeatMs)) return null;
        state.claimMail(now());
        return { kind: 'away', before };
      }
      state.gone(program);
      if (before.sinceMs === null || state.state.programs.length > 0) return null;
      if (before.mails === 0) {
        state.forget();
        isOver = true;
        return null;
      }
      // Tried a moment ago, perhaps by the other program just now.
      if (!isMailDue({ ...before, sinceMs: 0, mailedAtMs: null }, now(), null)) return null;
      state.returnMail(before, now());
      return { kind: 'back', before };
    }, null);

  return {
    heed: (fault) => {
      if (topic === databaseAway && !isDatabaseAway(fault)) return true;
      if (last !== null) return says;
      last = fault;
      says = change((state) => {
        state.seen(program, now());
        if (!isLineDue(state.state, now())) return false;
        state.said(now());
        return true;
      }, true);
      return says;
    },
    end: async (well) => {
      if (last === null && !well) return [];
      if (last === null && !topic.isPrepared && !existsSync(file)) return [];
      if (last === null && topic.isPrepared) prepare(file);
      const mail = due();
      if (mail === null) {
        if (isOver) leave();
        return [];
      }
      const { faults, reached } = await send(options, mail, last);
      change((state) => {
        if (mail.kind === 'back' && reached) state.forget();
        if (mail.kind === 'away' && !reached) state.returnMail(mail.before, now());
      }, undefined);
      if (mail.kind === 'back' && reached) leave();
      return faults;
    },
  };
}

/** While the disk has room; without it all is said, see above. */
function prepare(file: string): void {
  try {
    makeAwayState(file);
  } catch {
    // Said when it matters.
  }
}

interface Sent {
  readonly faults: readonly FleetError[];
  /** Somebody was told, or there is nobody to tell. */
  readonly reached: boolean;
}

async function send(options: AwayTellerOptions, { kind, before }: Due, fault: FleetError | null): Promise<Sent> {
  const { config, host, now, signal, topic } = options;
  // Loaded when there is something to send: most runs have nothing.
  const [{ composeAwayMail }, { awayListeners, awaySender }] = await Promise.all([
    import('./away-mail.ts'),
    import('./away-ways.ts'),
  ]);
  const listeners = awayListeners(config, topic.rule);
  const faults: FleetError[] = [];
  // Their server is not asked again for each recipient.
  const away = new Set<Notifier>();
  let reached = listeners.length === 0;
  for (const { recipient, to, notifier, timeoutMs } of listeners) {
    if (away.has(notifier)) continue;
    try {
      const mail = await composeAwayMail({
        kind,
        host,
        to,
        ...awaySender(config),
        configFile: config.file,
        sinceMs: before.sinceMs ?? now(),
        nowMs: now(),
        number: before.mails + 1,
        programs: before.programs,
        fault,
        topic: topic.rule,
      });
      const onDataBegun = (): Promise<void> => Promise.resolve();
      const limits = { timeoutMs, answerTimeoutMs: timeoutMs, signal, onDataBegun };
      await notifier.send({ recipient, ...mail, severity: 'critical' }, limits);
      reached = true;
    } catch (thrown) {
      const fault = asFleetError(thrown, { code: 'mail-unavailable', stage: 'mail' });
      faults.push(fault);
      if (fault.stage !== 'mail') away.add(notifier);
    }
  }
  for (const { notifier } of listeners) notifier.close();
  return { faults, reached };
}

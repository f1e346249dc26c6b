import { acknowledge, addSilence, expireSilence, silences, unacknowledge } from './alerts/silences.ts';
import { alerterState } from './alerts/alerter-state.ts';
import { alertsOf, lastRunOf, runFacts, seenClients, series, toldOf, toldSince } from './queries/alert-history.ts';
import type { AlertStore } from './store/alert-store.ts';
import type { Database } from './sql/database.ts';
import { databaseNowMs } from './sql/database-now.ts';
import { discardMail, dropMail } from './alerts/discard-mail.ts';
import { asStorageErrors } from './sql/fault.ts';
import { forgetClient } from './retention/forget-client.ts';
import { forgetCollector } from './retention/forget-collector.ts';
import { memories, openAlerts, saveJudged } from './alerts/judging.ts';
import { fenced, leaseHolder, releaseLease, takeLease } from './alerts/lease.ts';
import { newestRows } from './queries/newest-rows.ts';
import { claimMail, dueMails, markDataBegun, markFailed, markPutOff, markSent, undelivered } from './alerts/outbox.ts';
import { unsentOf } from './alerts/unsent.ts';
import { openReports } from './reports/stored-reports.ts';
import { disksOf, exportsOf, networksOf, systemsOf } from './rows/stored-rows.ts';
import { sealedSummary } from './reports/sealed-reports.ts';
import { ownDiskFacts } from './reports/own-disks.ts';
import { saveTelling } from './alerts/telling-rows.ts';
import { replay, untreated } from './queries/time-pages.ts';
import type { Session } from './sql/session.ts';

/** What the alerter may do. */
export function createAlertStore(database: Database): AlertStore {
  const read = <T>(work: (session: Session) => Promise<T>): Promise<T> => asStorageErrors(() => database.read(work));
  return {
    nowMs: () => read((session) => databaseNowMs(session, database.dialect)),
    takeLease: (name, holder) => asStorageErrors(() => takeLease(database, name, holder)),
    leaseHolder: (name) => read((session) => leaseHolder(session, name)),
    touchLease: (lease) => asStorageErrors(() => fenced(database, lease, () => Promise.resolve())),
    releaseLease: (lease) => asStorageErrors(() => releaseLease(database, lease)),

    untreated: (limit, after = null) => read((session) => untreated(session, limit, after)),
    disksOf: (statIds) => read((session) => disksOf(session, statIds)),
    networksOf: (statIds) => read((session) => networksOf(session, statIds)),
    exportsOf: (mounts) => read((session) => exportsOf(session, mounts)),
    systemsOf: (clients) => read((session) => systemsOf(session, clients)),
    reportsOf: (statIds) => openReports(read, statIds),
    openAlerts: (clients) => read((session) => openAlerts(session, clients)),
    memories: (clients) => read((session) => memories(session, clients)),
    saveJudged: (lease, judged) => asStorageErrors(() => saveJudged(database, lease, judged)),

    runs: (program, sinceMs) => read((session) => runFacts(session, program, sinceMs)),
    lastRunOf: (collectorId) => read((session) => lastRunOf(session, collectorId)),
    seenClients: () => read(seenClients),
    sealedWaiting: () => read(sealedSummary),
    ownDisks: (sinceMs) => read((session) => ownDiskFacts(session, sinceMs)),
    state: (nowMs) => read((session) => alerterState(session, nowMs)),
    saveTelling: (lease, telling) => asStorageErrors(() => saveTelling(database, lease, telling)),

    dueMails: (limit) => asStorageErrors(() => dueMails(database, limit)),
    claimMail: (id, holder, forMs) => asStorageErrors(() => claimMail(database, id, holder, forMs)),
    markDataBegun: (id, holder) => asStorageErrors(() => markDataBegun(database, id, holder)),
    markSent: (id, holder) => asStorageErrors(() => markSent(database, id, holder)),
    markPutOff: (id, holder, inMs, error) => asStorageErrors(() => markPutOff(database, id, holder, inMs, error)),
    markFailed: (id, holder, error) => asStorageErrors(() => markFailed(database, id, holder, error)),
    dropMail: (mail, holder) => asStorageErrors(() => dropMail(database, mail, holder)),
    discardMail: (id) => asStorageErrors(() => discardMail(database, id)),
    undelivered: () => read(undelivered),
    unsentOf: (alertIds) => read((session) => unsentOf(session, alertIds)),

    addSilence: (silence) => asStorageErrors(() => addSilence(database, silence)),
    silences: (nowMs) => read((session) => silences(session, nowMs)),
    expireSilence: (id, nowMs) => asStorageErrors(() => expireSilence(database, id, nowMs)),
    forgetCollector: (collectorId) => asStorageErrors(() => forgetCollector(database, collectorId)),
    forgetClient: (client, signal) => asStorageErrors(() => forgetClient(database, client, signal)),
    acknowledge: (ids, by, untilMs, comment) => asStorageErrors(() => acknowledge(database, ids, by, untilMs, comment)),

    unacknowledge: (ids) => asStorageErrors(() => unacknowledge(database, ids)),

    newestRows: (client) => read((session) => newestRows(session, database.dialect, client)),
    alertsOf: (filter) => read((session) => alertsOf(session, filter)),
    toldOf: (alertIds) => read((session) => toldOf(session, alertIds)),
    series: (client, column, mount, sinceMs) => read((session) => series(session, client, column, mount, sinceMs)),
    replay: (sinceMs, after, limit) => read((session) => replay(session, sinceMs, after, limit)),
    toldSince: (sinceMs) => read((session) => toldSince(session, sinceMs)),
  };
}

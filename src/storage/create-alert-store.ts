import { acknowledge, addSilence, expireSilence, silences, unacknowledge } from './alerts/silences.ts';
import { alerterState } from './alerts/alerter-state.ts';
import {
  alertsOf,
  lastRunOf,
  runFacts,
  seenClients,
  series,
  notificationsOf,
  notifiedSince,
} from './queries/alert-history.ts';
import type { AlertStore } from './store/alert-store.ts';
import type { Database } from './sql/database.ts';
import { databaseNowMs } from './sql/database-now.ts';
import { discardMail, dropMail } from './alerts/discard-mail.ts';
import { forgetClient } from './retention/forget-client.ts';
import { forgetCollector } from './retention/forget-collector.ts';
import { ruleStates, openAlerts, saveProcessed } from './alerts/judging.ts';
import { fenced, leaseHolder, releaseLease, takeLease } from './alerts/lease.ts';
import { newestRows } from './queries/newest-rows.ts';
import { claimMail, dueMails, markDataBegun, markFailed, markPutOff, markSent, undelivered } from './alerts/outbox.ts';
import { unsentOf } from './alerts/unsent.ts';
import { openReports } from './reports/stored-reports.ts';
import { disksOf, exportsOf, networksOf, systemsOf } from './rows/stored-rows.ts';
import { sealedSummary } from './reports/sealed-reports.ts';
import { stateDiskFacts } from './reports/state-disks.ts';
import { saveNotifications } from './alerts/telling-rows.ts';
import { replay, unprocessed } from './queries/time-pages.ts';
import type { Session } from './sql/session.ts';

/** What the alerter may do. */
export function createAlertStore(database: Database): AlertStore {
  const read = <T>(work: (session: Session) => Promise<T>): Promise<T> => database.read(work);
  return {
    nowMs: () => read((session) => databaseNowMs(session, database.dialect)),
    takeLease: (name, holder) => takeLease(database, name, holder),
    leaseHolder: (name) => read((session) => leaseHolder(session, name)),
    touchLease: (lease) => fenced(database, lease, () => Promise.resolve()),
    releaseLease: (lease) => releaseLease(database, lease),

    unprocessed: (limit, after = null) => read((session) => unprocessed(session, limit, after)),
    disksOf: (statIds) => read((session) => disksOf(session, statIds)),
    networksOf: (statIds) => read((session) => networksOf(session, statIds)),
    exportsOf: (mounts) => read((session) => exportsOf(session, mounts)),
    systemsOf: (clients) => read((session) => systemsOf(session, clients)),
    reportsOf: (statIds) => openReports(read, statIds),
    openAlerts: (clients) => read((session) => openAlerts(session, clients)),
    ruleStates: (clients) => read((session) => ruleStates(session, clients)),
    saveProcessed: (lease, judged) => saveProcessed(database, lease, judged),

    runs: (program, sinceMs) => read((session) => runFacts(session, program, sinceMs)),
    lastRunOf: (collectorId) => read((session) => lastRunOf(session, collectorId)),
    seenClients: () => read(seenClients),
    sealedWaiting: () => read(sealedSummary),
    stateDisks: (sinceMs) => read((session) => stateDiskFacts(session, sinceMs)),
    state: (nowMs) => read((session) => alerterState(session, nowMs)),
    saveNotifications: (lease, telling) => saveNotifications(database, lease, telling),

    dueMails: (limit) => dueMails(database, limit),
    claimMail: (id, holder, forMs) => claimMail(database, id, holder, forMs),
    markDataBegun: (id, holder) => markDataBegun(database, id, holder),
    markSent: (id, holder) => markSent(database, id, holder),
    markPutOff: (id, holder, inMs, error) => markPutOff(database, id, holder, inMs, error),
    markFailed: (id, holder, error) => markFailed(database, id, holder, error),
    dropMail: (mail, holder) => dropMail(database, mail, holder),
    discardMail: (id) => discardMail(database, id),
    undelivered: () => read(undelivered),
    unsentOf: (alertIds) => read((session) => unsentOf(session, alertIds)),

    addSilence: (silence) => addSilence(database, silence),
    silences: (nowMs) => read((session) => silences(session, nowMs)),
    expireSilence: (id, nowMs) => expireSilence(database, id, nowMs),
    forgetCollector: (collectorId) => forgetCollector(database, collectorId),
    forgetClient: (client, signal) => forgetClient(database, client, signal),
    acknowledge: (ids, by, untilMs, comment) => acknowledge(database, ids, by, untilMs, comment),

    unacknowledge: (ids) => unacknowledge(database, ids),

    newestRows: (client) => read((session) => newestRows(session, database.dialect, client)),
    alertsOf: (filter) => read((session) => alertsOf(session, filter)),
    notificationsOf: (alertIds) => read((session) => notificationsOf(session, alertIds)),
    series: (client, column, mount, sinceMs) => read((session) => series(session, client, column, mount, sinceMs)),
    replay: (sinceMs, after, limit) => read((session) => replay(session, sinceMs, after, limit)),
    notifiedSince: (sinceMs) => read((session) => notifiedSince(session, sinceMs)),
  };
}

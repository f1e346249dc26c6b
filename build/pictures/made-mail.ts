import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { composeMail } from '../../src/alerter/compose/compose-mail.ts';
import { sectionsOf } from '../../src/alerter/dispatch/group.ts';
import {
  compareNotifications,
  type DueMail,
  pendingNotification,
} from '../../src/alerter/dispatch/notification-plan.ts';
import { newAlert } from '../../src/alerter/transition/alert-bounds.ts';
import { openLostParents } from '../../src/alerter/inhibit/lost-parents.ts';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import type { MailText } from '../../src/notify/mime.ts';
import { hourMs, minuteMs } from '../../src/platform/units.ts';
import type { Alert, Transition } from '../../src/storage/store/alert.ts';
import { createWatches } from '../../src/alerter/inhibit/watches.ts';

const recipient = 'ops@example.org';
const nowMs = Date.UTC(2026, 10, 21, 1, 6);
const configText = `<config>
  <smtp host="mail.example.org" from="fleet@example.org"/>
  <alerts zone="UTC">
    <mail to="${recipient}"/>
    <alert name="disk" type="disk" warning="90%" critical="95%" note="Binary logs fill this: PURGE BINARY LOGS."/>
  </alerts>
  <client name="db-1" ip="192.0.2.26"/>
  <client name="gateway-2" ip="192.0.2.35"/>
</config>`;

type Made = Pick<Alert, 'id' | 'client' | 'rule' | 'subject' | 'value' | 'valueText' | 'limitText'> & {
  readonly transition: Transition;
  readonly minutes: number;
};

const disk: Made = {
  ...{ id: 52, client: 'db-1', rule: 'disk', subject: '/var/lib/mysql', transition: 'escalated', minutes: 22 * 60 },
  ...{ value: 95, valueText: '95 %, 25 of 500 GiB free', limitText: 'at least 95 %' },
};
const back: Made = {
  ...{ id: 51, client: 'gateway-2', rule: 'unreachable', subject: '', transition: 'resolved', minutes: 60 },
  ...{ value: null, valueText: 'reached', limitText: '' },
};

/** Returns a mail about the invented fleet: a disk that has got worse, and a client that is reachable again. */
export function madeMail(): MailText {
  const config = madeConfig();
  const watchOf = createWatches(config);
  const items = [disk, back]
    .map((made) => {
      const alert = alertOf(made);
      const entry = { alert, watch: watchOf(alert), listener: null, known: null };
      return pendingNotification(entry, { transition: made.transition });
    })
    .sort(compareNotifications);
  const charts = new Map([[disk.id ?? 0, hours((left) => 95 - left * 0.16)]]);
  const grouped = { config, parents: openLostParents(config, []), exportOf: () => null };
  const mail: DueMail = {
    recipient,
    severity: 'critical',
    ordinary: false,
    alreadyTrue: false,
    items,
    replaces: [],
    sections: sectionsOf({ ...grouped, items }),
    open: items.filter(({ alert }) => alert.state === 'firing'),
    openFolds: [],
  };
  const systems = new Map([['db-1', 'Debian GNU/Linux 13 (trixie)']]);
  return composeMail({ mail, config, nowMs, charts, systems, program: 'fleet-health' });
}

function madeConfig(): Config {
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-health-pictures-'));
  try {
    const file = path.join(dir, 'config.xml');
    writeFileSync(file, configText, { mode: 0o600 });
    return loadConfig({ file, nowMs });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function alertOf({ transition, minutes, ...made }: Made): Alert & { readonly id: number } {
  const sinceMs = nowMs - minutes * minuteMs;
  const isOver = transition === 'resolved';
  const begun = newAlert({
    ...made,
    about: 'client',
    severity: 'critical',
    state: isOver ? 'resolved' : 'firing',
    pendingSinceMs: sinceMs,
    firstEvidence: 'made',
    changedByRun: null,
  });
  return {
    ...begun,
    id: made.id ?? 0,
    firingSinceMs: sinceMs,
    resolvedAtMs: isOver ? nowMs - minuteMs : null,
    closedReason: isOver ? 'recovered' : null,
    sequence: 2,
    progress: { ...begun.progress, lastAtMs: nowMs },
  };
}

/** Returns a value for each hour of the last day. */
function hours(valueAt: (left: number) => number): readonly { readonly atMs: number; readonly value: number }[] {
  return Array.from({ length: 24 }, (_, left) => ({ atMs: nowMs - left * hourMs, value: valueAt(left) }));
}

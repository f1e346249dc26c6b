/** The packages in a machine that boots: timers, services and the agent's spoke, through a boot and an upgrade. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { packageDir } from '../../src/state-folder/paths.ts';
import { guestSuite, type Guest } from './guest.ts';
import { makePackages } from './make-packages.ts';

const program = 'fleet-health -c /etc/fleet-health/config.xml';
const asCollector =
  'cd / && setpriv --reuid fleet-health --regid fleet-health --init-groups env ' +
  `HOME=/var/lib/fleet-health ${program}`;
const timers = 'fleet-health-collect.timer fleet-health-alert.timer';
const spoke = 'fleet-health-agent@spoke.service';
/** Prepares the machine. Its timers are shortened, because the usual ones wait for minutes. */
const prepare = `
  printf '%s\\n' '<config><collector every="1m" agentTimeout="60s" clientDeadline="2m"/><alerts><mail to="ops@example.org"/></alerts>' \\
    '<client name="spoke" ip="127.0.0.1" transport="http" url="http://127.0.0.1:5150/"/></config>' >/etc/fleet-health/config.xml
  for timer in ${timers}; do
    mkdir -p /etc/systemd/system/$timer.d
    printf '[Timer]\\nOnCalendar=\\nOnCalendar=*:*\\nRandomizedDelaySec=0\\n' >/etc/systemd/system/$timer.d/soon.conf
  done
  systemctl daemon-reload
  ${asCollector} enroll spoke >/root/agent.json
  install -m 640 -g fleet-health-agent /root/agent.json /etc/fleet-health/agent.json`;

interface Status {
  readonly last_run: { readonly started_at: string; readonly succeeded: number } | null;
  readonly last_pass: { readonly started_at: string; readonly outcome: string } | null;
  readonly clients: readonly { readonly state: string; readonly reader: string | null }[];
}

/** Makes the packages of this version and of the next one below a folder. */
export async function makeBothVersions(work: string): Promise<void> {
  const withNode = guestSuite === 'bookworm' ? [] : ['--without-node'];
  await Promise.all([
    makePackages(packageDir, path.join(work, 'first'), ...withNode),
    makePackages(packageDir, path.join(work, 'newer'), '--without-node', '--version', '99.0'),
  ]);
}

/**
 * Installs these packages in the machine, boots it, and upgrades, removes and purges them. Every account must be able
 * to execute its Node.
 */
export async function livesInGuest(guest: Guest, work: string): Promise<void> {
  for (const folder of ['first', 'newer'].map((name) => path.join(work, name)))
    guest.put(
      readdirSync(folder).map((name) => path.join(folder, name)),
      `/root/${path.basename(folder)}`,
    );
  guest.make('dpkg -i /root/first/*.deb');
  const running = 'systemctl list-units --plain --no-legend --state=active,activating,failed "fleet-health*"';
  assert.equal(guest.make(running), '', 'nothing starts by itself');
  guest.make(prepare);
  guest.make(`systemctl enable --quiet --now ${timers} ${spoke}`);
  await runsSince(guest, guest.make('date -u +%FT%TZ').trim());

  await guest.reboot();
  await runsSince(guest, guest.make('date -u -d "$(uptime -s)" +%FT%TZ').trim());
  const before = pidOf(guest);

  guest.make('dpkg -i /root/newer/*.deb');
  assert.equal(guest.make("dpkg-query -W -f '${Version}' fleet-health fleet-health-agent"), '99.099.0');
  await guest.until(`systemctl is-active --quiet ${spoke}`, 60);
  assert.notEqual(pidOf(guest), before, 'the agent is started again');
  await runsSince(guest, guest.make('date -u +%FT%TZ').trim());

  guest.make('dpkg -r fleet-health fleet-health-agent');
  guest.make('test -f /var/lib/fleet-health/fleet.db && test -f /etc/fleet-health/agent.json');
  assert.equal(guest.run('pgrep -u fleet-health,fleet-health-agent').status, 1, 'nothing runs');
  guest.make('dpkg -P fleet-health fleet-health-agent');
  guest.make(
    'test ! -e /var/lib/fleet-health && test ! -e /var/lib/fleet-health-agent && test -f /etc/fleet-health/config.xml',
  );
}

function pidOf(guest: Guest): string {
  const pid = guest.make(`systemctl show -p MainPID --value ${spoke}`).trim();
  assert.match(pid, /^[1-9]\d*$/, guest.run(`systemctl status ${spoke}`).said);
  return pid;
}

/** Waits until the timers have started a run and a pass since that time, and the run has polled the spoke. */
async function runsSince(guest: Guest, time: string): Promise<void> {
  const since = Date.parse(time);
  const units = 'fleet-health-collect.service fleet-health-alert.service';
  const deadline = Date.now() + 420_000;
  for (;;) {
    const { said } = guest.run(`${asCollector} status --json`);
    const status = said.startsWith('{') ? (JSON.parse(said) as Status) : null;
    const [run, pass] = [status?.last_run, status?.last_pass];
    const isNew = [run, pass].every((one) => one !== null && one !== undefined && Date.parse(one.started_at) >= since);
    if (isNew && run?.succeeded === 1 && status?.clients[0]?.reader === 'spoke') return;
    if (Date.now() > deadline)
      assert.fail(
        `${said}\n${guest.run(`systemctl status ${timers} ${units} ${spoke}; journalctl -n 80 --no-pager`).said}`,
      );
    await sleep(2000);
  }
}

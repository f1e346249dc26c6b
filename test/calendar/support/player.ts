/** The acts of people, machines and programs in a calendar, and what they lead to. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';

import { install } from '../../support/ssh/restricted-key.ts';
import type { CalendarClock } from './calendar-clock.ts';
import type { Machine } from './machine.ts';
import type { Row, Station } from './station.ts';

export interface PlayerOptions {
  readonly station: Station;
  readonly machines: ReadonlyMap<string, Machine>;
  readonly clock: CalendarClock;
}

type Said = readonly string[];
type Deed = (...words: readonly string[]) => Promise<Said> | Said;

/**
 * Returns a function that lets things happen one after the other, and returns what is said:
 *
 *   visit                   `collect`, then `alert`
 *   collect, pass           one of them alone
 *   fails CLIENT            its check `backup` is CRITICAL from now on; `works CLIENT` ends that
 *   upgrade CLIENT          installs the package that has waited since the beginning
 *   edit CLIENT FILE        a file of /etc
 *   boot CLIENT
 *   renew CLIENT            the certificate, which runs out after twelve days
 *   restrict CLIENT         its key, to the agent of its newest visit
 *   ack CLIENT DURATION     its open alerts
 *   silence CLIENT FROM UNTIL, by the clock of the recipients
 *   prune
 *   release earlier|today   whose programs run from now on
 *   files CLIENT            says the names of the files that our programs have left there
 *   count                   says how many rows there are, and of how many runs sealed reports are kept
 *
 * Said are `good` if `collect` visited every client, else the faults; standard error of any program; each change of a
 * client; and each notification and digest that arrived. A digest is said with the changes that it names.
 */
export function player(options: PlayerOptions): (happens: readonly string[]) => Promise<Said> {
  const { station, machines } = options;
  const deeds: Readonly<Record<string, Deed>> = { ...deedsOfMachines(options), ...deedsOfPeople(options) };
  const changed = new Set<string>();
  let newestChange = 0;
  const changes = async (): Promise<Said> => {
    const rows = await station.rows(
      `SELECT s.id, c.client, i.kind, i.item FROM state_changes s JOIN state_clients c ON c.id = s.client_id
         JOIN state_items i ON i.id = s.item_id WHERE s.id > ${newestChange} ORDER BY c.client, i.kind, i.item`,
    );
    newestChange = Math.max(newestChange, ...rows.map(({ id }) => Number(id)));
    // Servers of other tests listen on this machine.
    const own = rows.filter(({ kind }) => kind !== 'listener');
    return own.map(({ client, kind, item }) => `${String(client)}: ${String(kind)} ${String(item)}`);
  };
  return async (happens) => {
    const said: string[] = [];
    for (const machine of machines.values()) machine.tick();
    for (const step of happens) {
      const [verb = '', ...words] = step.split(' ');
      const deed = deeds[verb];
      assert.ok(deed !== undefined, `nobody can "${step}"`);
      said.push(...(await deed(...words)));
      if (verb === 'upgrade') changed.add('libfoo');
      if (verb === 'edit') changed.add(words[1] ?? '');
    }
    said.push(...(await changes()));
    for (const mail of station.mails()) said.push(await saidBy(mail, station, [...changed]));
    return said;
  };
}

function deedsOfMachines({ machines, clock }: PlayerOptions): Readonly<Record<string, Deed>> {
  const on =
    (deed: (machine: Machine, ...words: readonly string[]) => void): Deed =>
    (client = '', ...words) => {
      deed(known(machines, client), ...words);
      return [];
    };
  for (const machine of machines.values()) {
    machine.packages({ libfoo: '1.0' }, { libfoo: '1.1' });
    machine.backup(0);
    machine.certify(12);
  }
  return {
    fails: on((machine) => machine.backup(2)),
    works: on((machine) => machine.backup(0)),
    upgrade: on((machine) => machine.packages({ libfoo: '1.1' }, { libfoo: '1.1' })),
    edit: on((machine, name = '') => machine.edit(name, `edited at ${clock.now()}\n`)),
    boot: on((machine) => machine.reboot()),
    renew: on((machine) => machine.certify(400)),
    files: (client = '') => filesOf(known(machines, client)),
  };
}

/** Returns the names of files below the account's home, without their digests. */
function filesOf({ account }: Machine): Said {
  const entries = readdirSync(path.join(account.home, '.local'), { recursive: true, withFileTypes: true });
  const own = entries.filter((entry) => entry.isFile()).map(({ name }) => name.replace(/^[0-9a-f]{16,}/, 'DIGEST'));
  return [[...new Set(own)].toSorted().join(' ')];
}

function known(machines: ReadonlyMap<string, Machine>, client: string): Machine {
  const machine = machines.get(client);
  assert.ok(machine !== undefined, `no client ${client}`);
  return machine;
}

function deedsOfPeople({ station, machines }: PlayerOptions): Readonly<Record<string, Deed>> {
  const quiet = async (...args: readonly string[]): Promise<Said> => {
    const { status, stdout, stderr } = await station.run(...args);
    return status === 0 && stderr === '' ? [] : [`${args.join(' ')} ended with ${String(status)}: ${stdout}${stderr}`];
  };
  const collect = async (): Promise<Said> => {
    const { stderr, stdout, status } = await station.run('--json', 'collect');
    const { visits } = JSON.parse(stdout) as { visits: readonly Row[] };
    const faults = visits
      .filter(({ ok }) => ok !== true)
      .map(({ client, code, message }) => `${String(client)} ${String(code)}: ${String(message)}`);
    const said = [...faults, ...stderr.split('\n')].filter((line) => line !== '');
    const other = status === 0 ? 'good' : `collect ended with ${String(status)}`;
    return said.length > 0 ? said : [other];
  };
  const pass = (): Promise<Said> => quiet('alert', '-q');
  return {
    collect,
    visit: async () => [...(await collect()), ...(await pass())],
    pass,
    prune: () => quiet('prune'),
    ack: (client = '', lasts = '') => quiet('ack', client, '--for', lasts),
    silence: (client = '', from = '', until = '') =>
      quiet('silence', 'add', '--client', client, '--from', from, '--until', until),
    restrict: async (client = '') => {
      const { agent, sshd, account } = known(machines, client);
      const args = ['authorize', client, ...(agent === 'shell' ? ['--state'] : []), '--script'];
      const { status, stdout, stderr } = await station.run(...args);
      assert.deepEqual([status, stderr], [0, '']);
      install(stdout, sshd, account);
      return [];
    },
    release: (name = '') => {
      assert.ok(name === 'earlier' || name === 'today', name);
      station.change(name);
      return [];
    },
    count: async () => {
      const [row] = await station.rows('SELECT COUNT(*) AS number, MIN(observed_at) AS first FROM stats');
      const rows = `${String(row?.['number'])} rows since ${String(row?.['first']).slice(0, 10)}`;
      return [rows, `sealed reports of ${station.kept()} runs`];
    },
  };
}

/** Returns the notifications in a mail, by what the database says of it; of a digest, the changes that its text has. */
async function saidBy(mail: string, station: Station, changed: readonly string[]): Promise<string> {
  const header = (name: string): string => new RegExp(`^${name}: *(.*)$`, 'mi').exec(mail)?.[1]?.trim() ?? '';
  const [to = ''] = header('To').split('@');
  const rows = await station.rows(
    `SELECT n.transition, a.severity, a.client, a.rule, a.subject FROM notifications n
       JOIN mails m ON m.id = n.mail_id JOIN alerts a ON a.id = n.alert_id
       WHERE m.message_id = '${header('Message-ID')}' ORDER BY a.client, a.rule, a.subject`,
  );
  if (rows.length > 0) {
    const items = rows.map(({ transition, severity, client, rule, subject }) =>
      [transition, severity, client, subject === '' ? rule : subject].map(String).join(' '),
    );
    return `${to}: ${items.join(', ')}`;
  }
  const subject = header('Subject');
  if (!subject.startsWith('Digest')) return `${to}: ${subject}`;
  const text = mail.replaceAll('=\r\n', '');
  return [`${to}: digest`, ...changed.filter((name) => text.includes(name))].join(' ');
}

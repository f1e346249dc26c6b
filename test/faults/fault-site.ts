/** The parts of a fault run: sshd, account, config.xml, database, mail server, and the programs between them. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { generateKey } from '../../src/collector/keys/key-ring.ts';
import { importPublicKey } from '../../src/collector/keys/public-keys.ts';
import { statePaths } from '../../src/state-folder/paths.ts';
import { startSshd, sshKeygen, type Sshd } from '../support/ssh/sshd.ts';
import { mariadbOfItsOwn, sqliteIn, type FaultDatabase } from './fault-database.ts';
import { clientAttributes, enrolClients, servingElement, sshdLinesOf, type Pipe } from './fault-pipe.ts';
import { makeFaultPrograms, type FaultPrograms, type HookName } from './fault-programs.ts';
import { hookFiles } from './kill-plan.ts';
import { type LostClient, makeSubnet, openLostClient } from './lost-client.ts';
import { startMailProcess, type MailProcess } from './mail-process.ts';
import type { Command } from './program-run.ts';

export interface FaultSite {
  readonly dir: string;
  /** Returns a command's config.xml, the same for all commands unless the private key is on a separate machine. */
  readonly configOf: (command: Command) => string;
  /** The state folders, the collector's first. */
  readonly stateDirs: readonly string[];
  /** True if `ingest` opens the reports, and the collector cannot. */
  readonly split: boolean;
  /** True if the database forgets what it has confirmed when it is killed. */
  readonly forgets: boolean;
  readonly pipe: Pipe;
  /** The client that others are asked about; null if there is none. */
  readonly lost: LostClient | null;
  /** The folder of the hook's files: plans, strikes, ledger. */
  readonly hookDir: string;
  readonly mailDir: string;
  /** The home of the clients' account, or the folder of the clients that push. */
  readonly home: string;
  readonly clients: readonly string[];
  readonly recipients: readonly string[];
  /** The name of the process that the rule of a client looks for. */
  readonly processOf: (client: string) => string;
  readonly programs: FaultPrograms;
  readonly sshd: Sshd;
  readonly mail: MailProcess;
  readonly database: FaultDatabase;
  close(): Promise<void>;
}

const recipients = ['ops@example.org', 'oncall@example.org'];
const conditions = [
  ...['unreachable', 'no-report', 'host-key-changed', 'not-trusted', 'unreliable', 'probe-failed'],
  ...[
    'mount-unresponsive',
    'clock-offset',
    'rebooted',
    'reboots',
    'oom-kill',
    'collector-silent',
    'collector-isolated',
  ],
];

/** Gives the account a check with a figure and a textfile, so that reports have rows of all families. */
function writeChecks(home: string, uid: number): void {
  const config = path.join(home, '.config');
  const textfiles = path.join(home, 'textfiles');
  const checks = path.join(config, 'fleet-health', 'checks.d');
  mkdirSync(checks, { recursive: true, mode: 0o700 });
  mkdirSync(textfiles, { mode: 0o700 });
  writeFileSync(path.join(checks, 'faults.conf'), `queue /bin/echo "OK | unsent=3;50;200"\ntextfile ${textfiles}\n`);
  writeFileSync(path.join(textfiles, 'backup.prom'), 'backup_age_seconds{job="home"} 60\n');
  execFileSync('chown', ['-R', `${uid}:${uid}`, config, textfiles]);
}

export interface FaultSiteOptions {
  readonly hookName?: HookName;
  readonly split?: boolean;
  /** True for a MariaDB that forgets when it is killed. */
  readonly forgets?: boolean;
  /** Default: visits. */
  readonly pipe?: Pipe;
  /** True to visit one client more, which may be away. */
  readonly mayLose?: boolean;
}

export async function openFaultSite(
  kind: FaultDatabase['kind'],
  clientCount: number,
  { hookName = 'kill-hook', split = false, forgets = false, pipe = 'visit', mayLose = false }: FaultSiteOptions = {},
): Promise<FaultSite> {
  const dir = mkdtempSync(path.join(tmpdir(), 'fh-faults-'));
  chmodSync(dir, 0o755);
  const [stateDir = '', hookDir = '', mailDir = ''] = ['state', 'hook', 'mail'].map((name) => path.join(dir, name));
  for (const made of [stateDir, mailDir]) mkdirSync(made, { mode: 0o700 });
  mkdirSync(hookDir);
  // Agents run as another user, with an umask of their own.
  chmodSync(hookDir, 0o777);
  for (const name of [hookFiles.strikes, hookFiles.counts, hookFiles.ledger, hookFiles.order]) {
    writeFileSync(path.join(hookDir, name), '');
    chmodSync(path.join(hookDir, name), 0o666);
  }
  const programs = makeFaultPrograms(dir, hookDir, hookName);
  const sshd = await startSshd({ config: sshdLinesOf(pipe) });
  const key = sshKeygen(path.join(dir, 'id_ed25519'), '-t', 'ed25519', '-C', '');
  const account = await sshd.addAccount({ publicKey: key.publicKey });
  // Without a working node the shell agent would answer, which keeps no ledger.
  const { uid } = account;
  if (pipe === 'visit') writeChecks(account.home, uid);
  execFileSync(programs.nodeOfAgents, ['-e', '0'], { uid, gid: uid, env: {}, cwd: account.home });
  const mail = await startMailProcess(programs.mailServer, mailDir);
  const database = kind === 'sqlite' ? sqliteIn(stateDir) : await mariadbOfItsOwn(forgets);
  const clients = Array.from({ length: clientCount }, (_, index) => `c${index + 1}`);
  const mark = path.basename(dir).slice(-4);
  const processOf = (client: string): string => `fh${mark}${client}`;
  const subnet = mayLose ? makeSubnet() : { prefix: '127.0.0', isLocal: true };
  const addressOf = (client: string): string => `${subnet.prefix}.${client.slice(1)}`;
  const lost = mayLose ? await openLostClient(sshd, subnet) : null;
  const keys = [...clients.map((client) => sshd.hostKeyLine(addressOf(client))), lost?.hostKeyLine ?? ''];
  writeFileSync(path.join(dir, 'known_hosts'), keys.map((line) => `${line}\n`).join(''));
  const serving = await servingElement(pipe);
  const attributes = await clientAttributes(pipe, clients);
  const elements = [
    database.element,
    serving.element,
    `<smtp host="127.0.0.1" port="${mail.port}" security="none" maxMailsPerHour="100000"
      from="Fleet &lt;fleet@example.org&gt;"/>`,
    `<collector every="5m"${split ? ' open="no"' : ''}${forgets ? ' keepStored="1m"' : ''} neighbours="yes"/>`,
    `<ssh username="${account.name}" privateKey="${key.privateKey}" knownHosts="${dir}/known_hosts"
      node="${programs.nodeOfAgents}"/>`,
    '<alerts defaults="no" groupInterval="0s">',
    ...recipients.map((to) => `<mail to="${to}"/>`),
    ...conditions.map((name) => `<alert name="${name}" enabled="no"/>`),
    '</alerts>',
    ...clients.map(
      (client) => `<client name="${client}" ${
        pipe === 'visit' ? `ip="${addressOf(client)}" port="${sshd.port}"` : attributes.get(client)
      }>
        <alert type="process" match="${processOf(client)}" op="ge" limit="1" for="1x"/></client>`,
    ),
    lost?.element ?? '',
  ];
  const machines = split ? (['state', 'opener', 'alerter'] as const) : (['state'] as const);
  for (const name of machines) {
    const state = `<state dir="${path.join(dir, name)}"/>`;
    const text = `<config>\n${[state, ...elements].join('\n')}\n</config>\n`;
    writeFileSync(path.join(dir, `${name}.xml`), text, { mode: 0o600 });
  }
  if (split) shareKey(path.join(dir, 'opener'), stateDir);
  const machineOf = {
    collect: 'state',
    serve: 'state',
    push: 'state',
    spoke: 'state',
    ingest: 'opener',
    alert: 'alerter',
  } as const;
  const home = pipe === 'visit' ? account.home : path.join(dir, 'home');
  if (pipe !== 'visit') {
    const config = path.join(dir, 'state.xml');
    await enrolClients({ pipe, dir, home, config, clients, programs, sshd, port: serving.port });
  }
  return {
    dir,
    configOf: (command) => path.join(dir, `${split ? machineOf[command] : 'state'}.xml`),
    stateDirs: machines.map((name) => path.join(dir, name)),
    split,
    forgets,
    pipe,
    lost,
    hookDir,
    mailDir,
    home,
    clients,
    recipients,
    processOf,
    programs,
    sshd,
    mail,
    database,
    close: async () => {
      await mail.kill();
      await database.stop();
      await lost?.stop();
      await sshd.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Gives the private half of a key to the opener, and the public half to the collector. */
function shareKey(opener: string, collector: string): void {
  const paths = statePaths(opener);
  const { file } = generateKey(paths, Date.now());
  importPublicKey(statePaths(collector), path.join(paths.publicKeys, path.basename(file)), Date.now());
}

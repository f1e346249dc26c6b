/** A fleet with a different secret in every place that config.xml and the environment have for one. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import ssh2, { type Connection } from 'ssh2';

import { vocabulary } from '../../../src/config/vocabulary/vocabulary.ts';
import { type ImapServer, startImapServer } from '../../support/servers/imap-server.ts';
import { startMariadb } from '../../support/databases/mariadb.ts';
import { createMarkers, type Markers } from '../../support/markers.ts';
import { type CliResult, outcomeOf, startCli } from '../../support/programs/run-cli.ts';
import { type SmtpAct, type SmtpMoment, type SmtpServer, startSmtpServer } from '../../support/servers/smtp-server.ts';
import { type Ssh2Server, startSsh2Server } from '../../support/ssh/ssh2-server.ts';
import { sshKeygen, startSshd } from '../../support/ssh/sshd.ts';
import { type SeenProcess, watchProcesses } from '../../support/programs/watch-processes.ts';

interface EchoingServer extends Ssh2Server {
  /** The passwords that the server received. */
  readonly heard: readonly string[];
}

/**
 * Starts a server that repeats the received password. It refuses user `login`, with the password in a prompt and in the
 * banner. It admits any other user, with the password in the command's output and errors.
 */
async function startEchoingServer(): Promise<EchoingServer> {
  const heard: string[] = [];
  const onClient = (client: Connection): void => {
    client.on('error', () => undefined);
    let password = '';
    client.on('authentication', (attempt) => {
      if (attempt.method === 'password') {
        password = attempt.password;
        heard.push(password);
        if (attempt.username !== 'login') attempt.accept();
        else attempt.reject(['keyboard-interactive'], true);
      } else if (attempt.method === 'keyboard-interactive') {
        attempt.prompt([{ prompt: `One more, after ${password}: `, echo: false }], `it was ${password}`, () =>
          attempt.reject([`not-${password}` as never]),
        );
      } else attempt.reject(['password']);
    });
    client.on('session', (accept) => {
      accept().on('exec', (acceptExec) => {
        const channel = acceptExec();
        channel.on('error', () => undefined);
        channel.stderr.write(`sh: ${password}: not found\n`);
        channel.write(`${password} ${Buffer.from(password).toString('base64')}\n`);
        channel.exit(127);
        channel.end();
      });
    });
  };
  return { ...(await startSsh2Server({ serve: (pem) => new ssh2.Server({ hostKeys: [pem] }, onClient) })), heard };
}

/**
 * The places of the secrets of a config.xml: in config.xml, in files, in variables. `url` is as `literal`, except for
 * the URL of the storage.
 */
export const variants = ['literal', 'file', 'env', 'url'] as const;
export type Variant = (typeof variants)[number];

/**
 * Kinds of attributes that hold no secret, and names of such attributes whose kind may hold one. Check an attribute
 * before adding it.
 */
const harmlessText = ['username', 'command', 'metric', 'state', 'hiddenOpts', 'value'];
const harmlessPaths = [
  ...['dir', 'socketPath', 'ca', 'agent', 'knownHosts', 'config', 'file', 'serverPublicKeyFile'],
  ...['textfile', 'socket', 'tlsCert'],
  // The key of a site. No config.xml of the station can have it: a site with this key has no database.
  'key',
];

/** Returns every attribute of config.xml that is, names or may contain a secret, as `element attribute`. */
export function secretPlaces(): readonly string[] {
  return Object.entries(vocabulary).flatMap(([element, { attributes }]) =>
    Object.entries(attributes)
      .filter(([name, { kind }]) => {
        if (kind === 'text') return !harmlessText.includes(name);
        if (kind === 'path') return !harmlessPaths.includes(name);
        return ['secret', 'variable', 'url', 'urls', 'storage', 'headerLine'].includes(kind ?? '');
      })
      .map(([name]) => `${element} ${name}`),
  );
}

export interface Run extends CliResult {
  readonly what: string;
  readonly seen: readonly SeenProcess[];
}

export interface Station {
  readonly dir: string;
  readonly stateDir: string;
  readonly homes: string;
  readonly markers: Markers;
  /** The places that were given a secret. */
  readonly filled: ReadonlySet<string>;
  readonly smtp: SmtpServer;
  /** The mailbox of replies. It repeats the client's input to a client that it refuses. */
  readonly imap: ImapServer;
  /** Decides how the mail server acts. */
  readonly mailServer: { act: ((moment: SmtpMoment) => SmtpAct | undefined) | null };
  /** The secrets that the echoing SSH server received. */
  readonly heard: readonly string[];
  /** The URLs of the heartbeats that were requested. */
  readonly asked: readonly string[];
  /** The URLs of webhooks that were posted to, and the header of each. */
  readonly posted: readonly string[];
  /** Writes a changed config.xml beside the others. Returns its name for `run`. */
  derive(variant: Variant, name: string, change: (text: string) => string): string;
  /** Runs the program with the config.xml of a variant. */
  run(variant: string, args: readonly string[], more?: RunOptions): Promise<Run>;
  /** Returns every row of every table. */
  dump(): Promise<string>;
  stop(): Promise<void>;
}

export interface RunOptions {
  readonly nodeArgs?: readonly string[];
  /** Default: 0, which removes no permission. */
  readonly umask?: number;
  readonly kill?: { readonly signal: NodeJS.Signals; readonly afterMs: number };
}

/** The folder of files whose purpose is to hold secrets. */
const inputs = 'secrets';

export async function startStation(): Promise<Station> {
  const dir = mkdtempSync(path.join(tmpdir(), 'fh-secrets-'));
  const inside = (...names: readonly string[]): string => path.join(dir, ...names);
  for (const name of [inputs, 'home', 'tmp']) mkdirSync(inside(name), { mode: 0o755 });
  const markers = createMarkers();
  const filled = new Set<string>();
  const environment: Record<string, string> = {};
  /** The environment variables that the variant `env` names. Other variants name none. */
  const named: Record<string, string> = {};
  const derived = new Map<string, Variant>();
  const mailServer: Station['mailServer'] = { act: null };
  const asked: string[] = [];
  const posted: string[] = [];
  const [sshd, mariadb, echo, imap, smtp] = await Promise.all([
    startSshd(),
    startMariadb(),
    startEchoingServer(),
    startImapServer({ password: markers.of('replies password') }),
    startSmtpServer({ act: (moment) => mailServer.act?.(moment) }),
  ]);
  const beats = createServer((request, response) => {
    if (request.url === '/api/v2/alerts') {
      response.statusCode = 500;
      response.end(`no such login: ${String(request.headers.authorization)}`);
      return;
    }
    if (request.method === 'POST') {
      // Accepts the first request, as the command below does; later answers repeat the request.
      const words = `${request.url ?? ''} ${String(request.headers['x-token'])}`;
      posted.push(words);
      response.statusCode = posted.length === 1 ? 200 : posted.length % 2 === 0 ? 500 : 400;
      response.end(`no such channel: ${words} ${decodeURIComponent(words)}`);
      return;
    }
    asked.push(`${request.url ?? ''} ${request.headers.authorization ?? ''}`);
    response.statusCode = 500;
    response.end(`no such check: ${request.url ?? ''}`);
  });
  beats.listen(0, '127.0.0.1');
  await once(beats, 'listening');

  /** Stores a secret in the place of a variant. Returns the attribute that names this place. */
  const secret = (element: string, what: 'password' | 'passphrase', variant: Variant): string => {
    const value = markers.of(`${element} ${what}`);
    const kind = variant === 'file' ? 'File' : variant === 'env' ? 'Env' : '';
    filled.add(`${element} ${what}${kind}`);
    if (variant === 'file') {
      const file = inside(inputs, `${element}.${what}`);
      writeFileSync(file, `${value}\n`, { mode: 0o600 });
      return `${what}File="${file}"`;
    }
    if (variant === 'env') {
      const name = `FLEET_${element}_${what}`.toUpperCase();
      named[name] = value;
      return `${what}Env="${name}"`;
    }
    return `${what}="${escaped(value)}"`;
  };
  const keyOf = (element: string): string => {
    filled.add(`${element} privateKey`);
    return makeKey(inside(inputs, `${element}.key`), markers.of(`${element} passphrase`), markers, element);
  };
  const elements = ['ssh', 'group', 'client', 'bastion'] as const;
  const keys = new Map(elements.map((element) => [element, keyOf(element)]));
  const accounts = new Map<string, string>();
  const careless = inside(inputs, 'careless-shell');
  writeFileSync(careless, '#!/bin/sh\numask 000\nexec /bin/sh "$@"\n', { mode: 0o755 });
  chmodSync(dir, 0o755);
  for (const element of elements) {
    // An agent reads one client alone. Visits of the others end at a shell that runs nothing, which is cheaper.
    const shell = element === 'ssh' ? careless : '/usr/sbin/nologin';
    const { name } = await sshd.addAccount({ shell, password: markers.of(`${element} password`) });
    accounts.set(element, name);
  }
  const database = await mariadb.createDatabase();
  const storagePassword = markers.of('storage password');
  await mariadb.asRoot(`ALTER USER ${database.user}@'%' IDENTIFIED BY '${storagePassword.replaceAll("'", "''")}'`);
  // `served` of the test has the key of <serve>.
  for (const place of ['alertmanager url', 'heartbeat url', 'storage url', 'serve tlsKey']) filled.add(place);
  const token = markers.of('heartbeat url');

  const login = (element: (typeof elements)[number], variant: Variant): string =>
    `username="${accounts.get(element) ?? ''}" privateKey="${keys.get(element) ?? ''}" ` +
    `${secret(element, 'password', variant)} ${secret(element, 'passphrase', variant)}`;
  const notify = inside(inputs, 'notify');
  const notified = inside('notified');
  // The command succeeds the first time, so that there is a good pass. Later it prints its input and environment and
  // fails. A watcher of the processes has a second to see it.
  const words = `test -e ${notified} && again=75\nenv >>${notified}\ncat >>${notified}\nenv >&2\nsleep 1\nexit \${again:-0}`;
  writeFileSync(notify, `#!/bin/sh\n${words}\n`, { mode: 0o700 });
  const at = (host: number): string => `ip="127.0.0.${host}" port="${sshd.port}"`;
  const storageOf = (variant: Variant): string => {
    const user = encodeURIComponent(storagePassword);
    const url = variant === 'url' ? database.url.replace('@', `:${user}@`) : database.url;
    return `<storage url="${escaped(url)}" ${variant === 'url' ? '' : secret('storage', 'password', variant)}/>`;
  };
  const webhookOf = (variant: Variant): string => {
    const { port } = beats.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/${encodeURIComponent(markers.of('webhook url'))}`;
    const header = `X-Token: ${encodeURIComponent(markers.of('webhook header'))}`;
    const put = (what: 'url' | 'header', value: string): string => {
      const kind = variant === 'file' ? 'File' : variant === 'env' && what === 'url' ? 'Env' : '';
      filled.add(`webhook ${what}${kind}`);
      const place = kind === 'File' ? inside(inputs, `webhook.${what}`) : 'FLEET_WEBHOOK_URL';
      if (kind === 'File') writeFileSync(place, `${value}\n`, { mode: 0o600 });
      if (kind === 'Env') named[place] = value;
      return `${what}${kind}="${escaped(kind === '' ? value : place)}"`;
    };
    return `<webhook name="chat" format="text" ${put('url', url)} ${put('header', header)}/>`;
  };
  const configFile = (variant: string): string => inside(inputs, `${variant}.xml`);
  for (const variant of variants) {
    const text = `<config>
  <state dir="${inside('state')}"/>
  ${storageOf(variant)}
  <smtp host="127.0.0.1" port="${smtp.port}" security="none" username="mailer" ${secret('smtp', 'password', variant)}/>
  <replies imap="imap://fleet@127.0.0.1:${imap.port}/INBOX" ${secret('replies', 'password', variant)}/>
  <notify command="${notify}"/>
  <alertmanager url="http://am:${encodeURIComponent(markers.of('alertmanager url'))}@127.0.0.1:${(beats.address() as AddressInfo).port}"/>
  <heartbeat url="http://beat:${encodeURIComponent(token)}@127.0.0.1:${(beats.address() as AddressInfo).port}/${encodeURIComponent(token)}"/>
  <collector every="1h" connectTimeout="60s" clientDeadline="2m"/>
  <ssh ${login('ssh', variant)} config="none"/>
  <alerts groupInterval="1s"><mail to="ops@example.org"/>${webhookOf(variant)}<alert type="memory" limit="1%" for="1x"/></alerts>
  <bastion name="fra" ${at(2)} ${login('bastion', variant)}/>
  <group name="rack" ${login('group', variant)}><client name="grouped" ${at(3)}/></group>
  <client name="plain" ${at(4)}/>
  <client name="behind" ${at(5)} proxyJump="fra"/>
  <client name="own" ${at(6)} transport="openssh" ${login('client', variant)}/>
  <client name="here" ip="127.0.0.7" transport="local"/>
  <client name="of-agent" ${at(8)} agent="env" password="none" privateKey="none" passphrase="none"/>
  <client name="wrong" ${at(9)} ${secret('client', 'password', variant)}/>
  <client name="wrong-openssh" ${at(10)} transport="openssh" privateKey="none" passphrase="none" ${secret('client', 'password', variant)}/>
  <client name="says-it" ip="127.0.0.11" port="${echo.port}" privateKey="none" passphrase="none" username="agent"/>
  <client name="refuses-it" ip="127.0.0.12" port="${echo.port}" privateKey="none" passphrase="none" username="login"/>
  <client name="says-it-openssh" ip="127.0.0.13" port="${echo.port}" privateKey="none" passphrase="none" username="agent" transport="openssh"/>
  <client name="refuses-it-openssh" ip="127.0.0.14" port="${echo.port}" privateKey="none" passphrase="none" username="login" transport="openssh"/>
</config>
`;
    writeFileSync(configFile(variant), text, { mode: 0o600 });
  }
  // An administrator may have set proxies in the environment.
  for (const name of ['HTTPS_PROXY', 'http_proxy', 'ALL_PROXY']) {
    environment[name] = `http://me:${encodeURIComponent(markers.of(`environment ${name}`))}@192.0.2.1:3128`;
  }
  for (const name of ['FLEET_OTHER', 'FLEET_HEALTH_OTHER', 'NPM_TOKEN', 'MYSQL_PWD', 'SSH_ASKPASS_SECRET']) {
    environment[name] = markers.of(`environment ${name}`);
  }
  // Nobody listens there, so that npm fails at once.
  environment['npm_config_registry'] = 'http://127.0.0.1:9/';
  environment['npm_config_noproxy'] = '127.0.0.1';
  environment['npm_config_fetch_retries'] = '0';
  const agent = await startAgent(inside(inputs, 'agent.sock'), keys.get('client') ?? '', markers);

  return {
    dir,
    stateDir: inside('state'),
    homes: path.join(sshd.dir, 'home'),
    markers,
    filled,
    smtp,
    imap,
    mailServer,
    heard: echo.heard,
    asked,
    posted,
    derive: (variant, name, change) => {
      const text = readFileSync(configFile(variant), 'utf8');
      const changed = change(text);
      if (changed === text) throw new Error(`nothing was changed for ${name}`);
      writeFileSync(configFile(name), changed, { mode: 0o600 });
      derived.set(name, variant);
      return name;
    },
    run: async (variant, args, { nodeArgs = [], kill, umask = 0 } = {}) => {
      const before = process.umask(umask);
      const child = startCli(['-c', configFile(variant), ...args], {
        cwd: dir,
        nodeArgs,
        env: {
          ...environment,
          ...((derived.get(variant) ?? variant) === 'env' ? named : {}),
          HOME: inside('home'),
          TMPDIR: inside('tmp'),
          SSH_AUTH_SOCK: inside(inputs, 'agent.sock'),
          PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin`,
        },
      });
      process.umask(before);
      const watch = watchProcesses(child.pid ?? 0);
      if (kill !== undefined) setTimeout(() => child.kill(kill.signal), kill.afterMs);
      const outcome = await outcomeOf(child);
      return { what: `${variant}: ${args.join(' ')}`, ...outcome, seen: watch.stop() };
    },
    dump: async () => {
      const tables = await mariadb.asRoot(
        `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = '${database.name}'`,
      );
      const rows = await Promise.all(
        tables.map(async ({ name }) => await mariadb.asRoot(`SELECT * FROM ${database.name}.\`${String(name)}\``)),
      );
      return JSON.stringify(rows);
    },
    stop: async () => {
      agent.kill();
      beats.closeAllConnections();
      beats.close();
      await Promise.all([sshd.stop(), mariadb.stop(), echo.close(), imap.stop(), smtp.stop()]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}

/** Makes a key with a passphrase. Adds its content, in clear and as stored, to the secrets. */
function makeKey(file: string, passphrase: string, markers: Markers, place: string): string {
  sshKeygen(file, '-t', 'ed25519', '-C', '');
  const opened = readFileSync(file, 'utf8').split('\n').slice(1, -2).join('');
  const bytes = Buffer.from(opened, 'base64');
  // PROTOCOL.key of OpenSSH: a string of 64 bytes, namely the seed and once more the public half.
  const at = bytes.lastIndexOf(Buffer.from([0, 0, 0, 64])) + 4;
  markers.add(`${place} privateKey, opened`, bytes.subarray(at, at + 32));
  // A single round of bcrypt: the default takes a tenth of a second, and longer in JavaScript.
  execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', passphrase, '-a', '1', '-f', file], { stdio: 'ignore' });
  markers.add(`${place} privateKey`, readFileSync(file, 'utf8').split('\n').slice(-4, -2).join('\n'));
  return file;
}

/** Starts an ssh-agent that holds an opened key. */
async function startAgent(socket: string, key: string, markers: Markers): Promise<{ kill(): void }> {
  const child = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  const copy = `${key}.copy`;
  copyFileSync(key, copy);
  const passphrase = markers.of('client passphrase');
  execFileSync('ssh-keygen', ['-q', '-p', '-P', passphrase, '-N', '', '-f', copy], { stdio: 'ignore' });
  execFileSync('ssh-add', ['-q', copy], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' });
  rmSync(copy);
  return { kill: () => void child.kill('SIGKILL') };
}

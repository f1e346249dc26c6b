/**
 * The launcher of a restricted key: what stands in `command="..."` of a line of authorized_keys (sshd(8), AUTHORIZED_KEYS
 * FILE FORMAT), so that whoever holds the key can have nothing run but the agent of one digest, for one collector and
 * sealed to one key.
 *
 * Of what was asked for ($SSH_ORIGINAL_COMMAND) no shell sees more than one quoted word. The text for node takes it
 * apart: it must be the loader's command line of a visit, and only the request at its end is used. The agent is read,
 * compared with its digest and run from the same bytes. The texts keep to the loader's alphabet, so that every login
 * shell hands them on unchanged, and hold no double quotes: dropbear's authorized_keys knows no escaped ones.
 */
import { FleetError } from '../errors.ts';
import { findMachine, tryEveryNode } from '../report/loader-text.ts';
import { maxExecBytes, otherVersionStatus, restrictedKeySign } from '../report/wire.ts';
import { loaderStatus, oldestNode, passable } from './loader.ts';

/** How the launcher ends when no agent did its work; on stderr stands then why, after its sign. */
export const launcherStatus = {
  /** Something else than a visit was asked for. */
  refused: 84,
  /** There is no file with the digest. */
  agentAbsent: 85,
  noRuntime: loaderStatus.noRuntime,
  otherVersion: otherVersionStatus,
} as const;

/** Where the agent of a restricted key may lie: as root installs it, or the account in its home. */
export const launcherFolders = { root: '/usr/local/lib/fleet-health', home: '.local/lib/fleet-health' } as const;

/** What a launcher says on stderr in place of an agent. */
export const launcherLine = new RegExp(`^${restrictedKeySign} ([0-9a-f]{64}): (.*)$`, 'm');

export interface LauncherWords {
  /** Of the agent that the key is made for. */
  readonly digest: string;
  readonly reason: string;
}

/** What the launcher of a restricted key said on stderr; null when none spoke. */
export function findLauncherWords(complained: string): LauncherWords | null {
  const [, digest, reason] = launcherLine.exec(complained) ?? [];
  return digest === undefined || reason === undefined ? null : { digest, reason };
}

export const killAfterSeconds = 120;

/** The agent's, whatever the login's is. */
export const launcherPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

// $1 digest of the agent, $2 of the other program, $3 collector, $4 sealing key, $5 node's path or `-`, $6 text for node.
// With IFS empty nothing is split, so that no quotes are needed; what came from the key's holder is not expanded either.
const startText = '$1 -e $j $a $o $c $y $k $m $SSH_ORIGINAL_COMMAND';
const launcherText = [
  'umask 077',
  'a=$1 o=$2 c=$3 y=$4 n=$5 j=$6 h=$HOME k=w m=',
  `PATH=${launcherPath}`,
  ...findMachine,
  'IFS=',
  `timeout -s KILL ${killAfterSeconds} true >/dev/null 2>&1&&k=t`,
  'start(){ set -f' +
    `;if [ $k = t ];then env -i HOME=$h PATH=$PATH timeout -s KILL ${killAfterSeconds} ${startText}` +
    `;else env -i HOME=$h PATH=$PATH ${startText};fi` +
    ';s=$?;set +f;}',
  ...tryEveryNode.map((text) => text.replaceAll('"', '')),
  // What runtime="bring" left. Of its places only the one below the home: nobody else can have made that.
  'go $h/.local/state/fleet-health/$m/$c/runtime-*/node',
  `echo ${restrictedKeySign} $a: no Node.js ${oldestNode} or newer was found >&2`,
  `exit ${launcherStatus.noRuntime}`,
].join(';');

/** Runs on the client's node, however old (from 4 on, for its backquotes), under `env -i`. Its arguments are those of `start` above, after the text. */
const launcherProgram = [
  'var a=process.argv,f=require(`fs`),v=process.versions.node.split(`.`),w=(a[7]||``).split(` `),q=w[w.length-1].slice(1,-1),r,t,d,b',
  `if(v[0]<18||v[0]==18&&v[1]<15){console.error(\`node \`+process.version+\` is too old: \`+process.execPath);process.exit(${loaderStatus.nodeTooOld})}`,
  `function no(s,m){console.error(\`${restrictedKeySign} \`+a[1]+\`: \`+m);process.exit(s)}`,
  'try{r=JSON.parse(Buffer.from(q,`base64`).toString())}catch(e){}',
  'r=Object(r);t=r.kind',
  `if(a[7]&&a[7].length<=${maxExecBytes}&&a[7].indexOf(\`/bin/sh -c \`)==0&&/^[A-Za-z0-9_-]+$/.test(q)&&/^(visit|inventory)$/.test(t)` +
    '&&w.map(function(x){return x.slice(1,-1)}).indexOf(t)>0&&/^[A-Za-z0-9_-]{22}$/.test(r.marker));' +
    `else no(${launcherStatus.refused},\`it runs the agent of this digest and nothing else\`)`,
  't=t==`visit`&&f.existsSync(`/proc/sys/kernel/ostype`)?a[1]:a[2]',
  `d=[\`${launcherFolders.root}\`,process.env.HOME+\`/${launcherFolders.home}\`]`,
  'd.forEach(function(p){try{p=f.readFileSync(p+`/`+t+`.cjs`);if(require(`crypto`).createHash(`sha256`).update(p).digest(`hex`)==t)b=p}catch(e){}})',
  `b||no(${launcherStatus.agentAbsent},\`no program \`+t+\`, unchanged, in \`+d.join(\` or \`))`,
  'f.writeSync(1,`fh-`+r.marker+`-loader-`)',
  'globalThis.fleetHealthPinned={digest:a[1],collector:a[3],key:a[4]}',
  'process.argv=[a[0],`agent`,q,a[5],a[6]]',
  'Function(`require`,`module`,`exports`,b.toString())(require,module,module.exports)',
].join(';');

export interface LauncherOptions {
  /** For messages. */
  readonly client: string;
  /** SHA-256 in hexadecimal digits. */
  readonly agentDigest: string;
  readonly inventoryDigest: string;
  readonly collectorId: string;
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Absolute path of node on the client; null: look for it at each visit. */
  readonly node: string | null;
}

/** The command of a restricted key. Throws FleetError `config-invalid` for a path of node that cannot be passed. */
export function launcherCommand(options: LauncherOptions): string {
  const { agentDigest, inventoryDigest, collectorId, node } = options;
  const key = Buffer.from(options.publicKey).toString('base64url');
  return restrictedCommand(options.client, launcherText, [
    agentDigest,
    inventoryDigest,
    collectorId,
    key,
    node ?? '-',
    launcherProgram,
  ]);
}

/** A launcher's text with its arguments. Throws FleetError `config-invalid` for one that a shell might change. */
export function restrictedCommand(client: string, text: string, args: readonly string[]): string {
  for (const arg of args) {
    if (passable.test(arg) && !arg.includes('"')) continue;
    const message = `${client}: this cannot be passed to a shell: ${JSON.stringify(arg)}`;
    throw new FleetError({ code: 'config-invalid', stage: 'config', client, message });
  }
  return `/bin/sh -c '${text}' fh ${args.map((arg) => `'${arg}'`).join(' ')}`;
}

export interface KeyOptions {
  /** As restrictedCommand makes it. */
  readonly command: string;
  /** `HOST:PORT` each; nothing else is forwarded. */
  readonly forwards: readonly string[];
  /** Addresses that the key is let in from; none: from everywhere. */
  readonly from: readonly string[];
}

/** The options of authorized_keys for a restricted key. */
export function authorizedKeysOptions({ command, forwards, from }: KeyOptions): string {
  return [
    `restrict,command="${command}"`,
    ...(forwards.length > 0 ? ['port-forwarding'] : []),
    ...forwards.map((target) => `permitopen="${target}"`),
    ...(from.length > 0 ? [`from="${from.join(',')}"`] : []),
  ].join(',');
}

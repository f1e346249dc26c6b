/**
 * The shell text that takes a Node.js to a client without one, and the command line made of it.
 *
 * stdout: the sign `fh-MARKER-runtime-PLACE-CODEC-BYTES` once there is a place for it: which one, how the rest is to come
 * compressed, and how much of that lies there already from a transfer that broke off. Then stdin is the rest. What is kept
 * is tried before it is taken for good, so a place where nothing may be executed is found out before anything is sent.
 */
import { findMachine } from '../report/loader-text.ts';
import { commandLine, loaderStatus } from './loader.ts';

/** How it ends when the runtime is not there afterwards. Believed only together with the loader's first sign. */
export const bringStatus = {
  /** No place on this client takes it; why stands on stderr. */
  noPlace: 91,
  /** Less came than was told. What came is kept. */
  cut: 92,
  /** This place did not take it after all: it is full. The next may. */
  placeFailed: 93,
  /** What came is not what was sent. */
  damaged: loaderStatus.broughtDamaged,
  /** It came as it was sent, and this machine cannot run it. */
  cannotRun: 94,
} as const;

/**
 * Runs on the new node itself: what it was started from must be what was sent, and outlast a loss of power. Some clients
 * have no other way to find the digest.
 */
const trial = [
  'var f=require("fs"),h=require("crypto").createHash("sha256"),d=f.openSync(process.execPath),b=Buffer.alloc(1<<20),n',
  'while(n=f.readSync(d,b,0,b.length))h.update(b.subarray(0,n))',
  'f.fsyncSync(d)',
  'n=process.versions.node.split(".")',
  `process.exit(n[0]<18||n[0]==18&&n[1]<15?${loaderStatus.nodeTooOld}:h.digest("hex")==process.argv[1]?0:${bringStatus.damaged})`,
].join(';');

// $1 marker, $2 seconds for the trial, $3 unused, $4 collector, $5 id, $6 digest, $7 KiB of the binary, $8 ways to send it
// as `codec:bytes`, the best first and `raw` last, $9 number of places to pass over, ${10} the trial.
const text = [
  'umask 077',
  'unset NODE_OPTIONS NODE_EXTRA_CA_CERTS NODE_PATH NODE_V8_COVERAGE',
  'h=$HOME m= c=$4 r=runtime-$5 p= w= k=0 z=$9 y=$7 n=0 t= u=',
  'echo "fh-$1-loader-"',
  ...findMachine,
  'for e in $8;do q=${e%%:*} l=${e#*:};[ $q = raw ]&&break;command -v $q >/dev/null 2>&1&&break;done',
  'timeout -s KILL 9 true >/dev/null 2>&1&&t="timeout -s KILL $2"',
  'mine(){ [ -L "$1" ]&&return 1;[ -d "$1" ]&&[ -O "$1" ]||return 1;case $(ls -ld "$1") in drwx------*)return 0;;esac;return 1;}',
  'size(){ n=0;[ -L "$1" ]&&rm -f "$1";[ -f "$1" ]&&n=$(wc -c <"$1");n=$((n));}',
  // Where df does not tell, the disk itself will.
  'room(){ f=$(df -Pk "$1" 2>/dev/null|{ read -r a;read -r a b e f a;echo "$f";});[ "$f" -ge 0 ] 2>/dev/null||return 0;[ "$f" -ge $2 ];}',
  'try(){ echo exit >"$1"||return 1;chmod 700 "$1";"$1";}',
].join(';');

/** Looks at one place after the other: it must be ours alone, able to execute, and have room. */
const places = [
  'look(){ [ "$p" ]&&return;k=$((k+1));[ $k -gt $z ]||return' +
    ';for d in "$1" "$1/$m" "$1/$m/$c" "$1/$m/$c/$r";do mine "$d"||{ mkdir -p "$d" 2>/dev/null&&mine "$d"' +
    '||{ w="$w $d cannot be used;";return;};};done' +
    ';try "$d/try" 2>/dev/null||{ rm -rf "$d";w="$w nothing can be written or executed in $1;";return;};rm -f "$d/try"' +
    ';rm -f "$d/node";size "$d/$q.part";[ $n -le $l ]||{ rm -f "$d/$q.part";n=0;}' +
    ';room "$d" $(((l-n)/1024+y+1024))||{ rmdir "$d" 2>/dev/null;w="$w no room in $1: $f KiB are free;";return;}' +
    ';p=$d;}',
  'each(){ case $XDG_STATE_HOME in /*)$1 "$XDG_STATE_HOME/fleet-health";;esac' +
    ';case $h in /*)$1 "$h/.local/state/fleet-health";;esac' +
    ';u=${u:-$(id -u)};$1 /var/tmp/fleet-health-$u;$1 /dev/shm/fleet-health-$u;}',
  'each look',
  `[ "$p" ]||{ echo "$w" >&2;exit ${bringStatus.noPlace};}`,
].join(';');

const take = [
  'o=$p/$q.part x=$p/new',
  'echo "fh-$1-runtime-$k-$q-$n"',
  `cat >>"$o"||{ rm -rf "$p";exit ${bringStatus.placeFailed};}`,
  'size "$o"',
  `[ $n = $l ]||exit ${bringStatus.cut}`,
  // Where it cannot be unpacked although it is whole, the disk is full.
  `if [ $q = raw ];then mv -f "$o" "$x";else $q -dc <"$o" >"$x"||{ $q -dc <"$o" >/dev/null 2>&1;s=$?;rm -rf "$p";[ $s = 0 ]&&exit ${bringStatus.placeFailed};exit ${bringStatus.damaged};};fi`,
  's=',
  'if command -v sha256sum >/dev/null 2>&1;then s=$(sha256sum <"$x");elif command -v shasum >/dev/null 2>&1;then s=$(shasum -a 256 <"$x")' +
    ';elif command -v openssl >/dev/null 2>&1;then s=$(openssl dgst -sha256 <"$x");fi',
  `case $s in ""|*$6*);;*)rm -rf "$p";exit ${bringStatus.damaged};;esac`,
  'chmod 700 "$x"',
  '$t "$x" -e "${10}" $6 </dev/null',
  's=$?',
  `case $s in 0);;${bringStatus.damaged})rm -rf "$p";exit $s;;*)rm -rf "$p";exit ${bringStatus.cannotRun};;esac`,
  `mv -f "$x" "$p/node"||exit ${bringStatus.placeFailed}`,
  'rm -f "$p"/*.part',
  // Those of other digests, and this one where it lay before.
  'sweep(){ for d in "$1" "$1/$m" "$1/$m/$c";do mine "$d"||return;done;for d in "$d"/runtime-*;do [ "$d" = "$p" ]||rm -rf "$d";done;}',
  'each sweep',
  'exit 0',
].join(';');

export interface BringRuntimeOptions {
  /** For messages. */
  readonly client: string;
  /** 16 bytes, base64url. */
  readonly marker: string;
  readonly collectorId: string;
  /** Names the folder on the client. */
  readonly id: string;
  /** SHA-256 of the binary, in hexadecimal digits. */
  readonly digest: string;
  readonly sizeBytes: number;
  /** How it may be sent, the best first; the last is `raw`. */
  readonly copies: readonly { readonly codec: string; readonly sizeBytes: number }[];
  /** Of the places on the client, the first that are not to be tried again. */
  readonly passOver: number;
}

/** How long the new node may take to look at itself, in seconds. */
const trialSeconds = 60;

/** The command line of a transfer. Throws FleetError `config-invalid` as runCommand of loader.ts does. */
export function bringRuntimeCommand(options: BringRuntimeOptions): string {
  const { client, marker, collectorId, id, digest, sizeBytes, copies, passOver } = options;
  const ways = copies.map((copy) => `${copy.codec}:${copy.sizeBytes}`).join(' ');
  return commandLine({ client, marker, killAfterSeconds: trialSeconds, node: null }, [text, places, take].join(';'), [
    collectorId,
    id,
    digest,
    String(Math.ceil(sizeBytes / 1024)),
    ways,
    String(passOver),
    trial,
  ]);
}

export interface RuntimeSign {
  /** The number of the place, from 1. */
  readonly place: number;
  readonly codec: string;
  /** Of the compressed binary, what the client has already. */
  readonly presentBytes: number;
}

/** Looks for the sign that the client awaits the rest; null when it has not come yet. */
export function findRuntimeSign(output: Buffer, marker: string): RuntimeSign | null {
  const pattern = new RegExp(`fh-${marker}-runtime-(\\d)-(\\w+)-(\\d{1,12})\\n`);
  const [, place, codec = '', present] = pattern.exec(output.toString('latin1')) ?? [];
  return place === undefined ? null : { place: Number(place), codec, presentBytes: Number(present) };
}

/**
 * The shell text that takes away what agents keep on a client (agent/start/places.ts says where), and what it answers. As in
 * loader.ts the text is a constant and everything that differs is an argument.
 *
 * It goes down from the product's own folders alone, through folders that are the account's own and no symbolic links,
 * and removes whole folders of collectors; rm follows no link inside them. Nothing is removed while sealed reports wait,
 * unless that is said to be right.
 */
import { findMachine, spoolScriptName } from '../report/loader-text.ts';
import { spoolSign } from './spool-line.ts';

export interface CleanupOptions {
  /** 16 bytes, base64url: what the answer is known by. */
  readonly marker: string;
  /** Whose reports are counted as our own, and whose folders go. */
  readonly collectorId: string;
  /** The folders of all other collectors go too. */
  readonly all: boolean;
  /** Also when reports wait. */
  readonly force: boolean;
}

/** What was taken away, one folder each. */
export interface RemovedFolder {
  readonly path: string;
  /** On its disk. */
  readonly sizeBytes: number;
}

export interface CleanupAnswer {
  /** Sealed reports in the folders that were looked at: this collector's, and those of others. */
  readonly waiting: { readonly own: number; readonly others: number };
  readonly removed: readonly RemovedFolder[];
  /** Folders that could not be removed, or not wholly. */
  readonly left: readonly string[];
  /** What `fleet-health spool` has left: lines of the account's crontab, and scripts of such lines, wherever these stand. */
  readonly spool: { readonly lines: number; readonly scripts: number };
}

// $1 marker, $2 this collector, $3 `one` or `all` collectors, $4 `ask` or `force`.
const cleanupText = [
  'q=fh-$1-cleanup c=$2 a=$3 x=$4 h=$HOME u=$(id -u) w=0 v=0 z=0 m=',
  ...findMachine,
  'real(){ [ -L "$1" ]&&return 1;[ -d "$1" ]&&[ -O "$1" ];}',
  'each(){ case $XDG_STATE_HOME in "$h/.local/state");;/*)"$1" "$XDG_STATE_HOME/fleet-health";;esac' +
    ';case $h in /*)"$1" "$h/.local/state/fleet-health";;esac' +
    ';"$1" /var/tmp/fleet-health-$u;"$1" /dev/shm/fleet-health-$u;}',
  'wanted(){ [ $a = all ]||[ "${1##*/}" = $c ];}',
  'count(){ real "$1"&&real "$1/$m"||return' +
    ';for d in "$1/$m"/*;do wanted "$d"&&real "$d"||continue' +
    `;for s in "$d"/*/${spoolScriptName};do [ -e "$s" ]&&z=$((z+1));done` +
    ';for s in "$d"/*/*.fhs;do [ -f "$s" ]||continue;if [ "${d##*/}" = $c ];then w=$((w+1));else v=$((v+1));fi;done;done;}',
  'drop(){ k=$(du -sk "$1" 2>/dev/null);k=${k%%/*};rm -rf "$1" 2>/dev/null' +
    ';if [ -d "$1" ];then echo "$q left $1";else echo "$q removed" ${k:-0} "$1";fi;}',
  'clean(){ real "$1"&&real "$1/$m"||return;o=' +
    ';for d in "$1/$m"/*;do if wanted "$d"&&real "$d";then drop "$d";fi;done' +
    // What all collectors share goes with the last of them.
    ';for d in "$1/$m"/*;do case ${d##*/} in runtimes);;*)[ -d "$d" ]&&o=1;;esac;done' +
    ';[ "$o" ]||{ real "$1/$m/runtimes"&&drop "$1/$m/runtimes";}' +
    ';rmdir "$1/$m" "$1" 2>/dev/null;}',
  'each count',
  'echo "$q waiting $w $v"',
  `s="${spoolSign} $c ";[ $a = one ]||s="${spoolSign} "`,
  'echo "$q spool" $(crontab -l 2>/dev/null|grep -v "^#"|grep -cF "$s") $z',
  '[ $x = ask ]&&[ $((w+v)) -gt 0 ]||each clean',
  'echo "$q end"',
].join(';');

/** The command line. */
export function cleanupCommand({ marker, collectorId, all, force }: CleanupOptions): string {
  const args = [marker, collectorId, all ? 'all' : 'one', force ? 'force' : 'ask'];
  return `/bin/sh -c '${cleanupText}' fh ${args.map((arg) => `'${arg}'`).join(' ')}`;
}

/** Reads the answer; null when it is not whole. */
export function parseCleanupAnswer(output: string, marker: string): CleanupAnswer | null {
  const start = `fh-${marker}-cleanup `;
  let waiting: CleanupAnswer['waiting'] | null = null;
  let spool = { lines: 0, scripts: 0 };
  const removed: RemovedFolder[] = [];
  const left: string[] = [];
  for (const line of output.split('\n')) {
    const at = line.indexOf(start);
    if (at === -1) continue;
    const [, word = '', rest = ''] = /^(\w+) ?(.*)$/.exec(line.slice(at + start.length)) ?? [];
    const [, first = '', second = ''] = /^(\d{1,9}) (.*)$/.exec(rest) ?? [];
    if (word === 'waiting') waiting = { own: Number(first), others: Number(second) };
    else if (word === 'spool') spool = { lines: Number(first), scripts: Number(second) || 0 };
    else if (word === 'removed') removed.push({ path: second, sizeBytes: Number(first) * 1024 });
    else if (word === 'left') left.push(rest);
    else if (word === 'end') return waiting === null ? null : { waiting, removed, left, spool };
  }
  return null;
}

/** The shell text that brings the agent to a client that has a node, and the command line made of it. */
import { findMachine, tryEveryNode } from '../report/loader-text.ts';
import { orBrought } from './find-brought.ts';
import { commandLine, endWithoutNode, loaderStatus, prelude } from './loader.ts';
import type { StartOptions } from './loader.ts';

// $4 length, $5 digest, $6 digest of the other program, $7 bootstrap, $8 request; for runtime="bring" $9 collector, ${10}
// the names of runtimes.
const bringTextWith = (orElse: readonly string[]): string =>
  [
    ...prelude,
    'l=$4 g=$5 o=$6 j=$7 r=$8 k=w',
    'echo "fh-$1-loader-"',
    ...findMachine,
    // An old BusyBox takes only `timeout -t SECONDS`.
    'timeout -s KILL 9 true >/dev/null 2>&1&&k=t',
    'start(){ if [ $k = t ];then timeout -s KILL $t "$1" -e "$j" $l $g $o "$r" $k "$m";else "$1" -e "$j" $l $g $o "$r" $k "$m";fi;s=$?;}',
    ...tryEveryNode,
    ...orElse,
    endWithoutNode,
  ].join(';');
const bringText = bringTextWith([]);
const bringToBroughtText = bringTextWith(['c=$9 v=${10}', ...orBrought]);

/**
 * Runs on the client's node, however old: reads the program from stdin, checks length and digest, runs it. stdin is
 * left where the program ends, for the acknowledgements. On the way the program is compressed (brotli).
 */
const bootstrap = [
  'var a=process.argv,v=process.versions.node.split("."),f=require("fs"),n=+a[1],b,o=0,r=1',
  `if(v[0]<18||v[0]==18&&v[1]<15){console.error("node "+process.version+" is too old: "+process.execPath);process.exit(${loaderStatus.nodeTooOld})}`,
  'b=Buffer.alloc(n)',
  'while(o<n&&r>0)try{r=f.readSync(0,b,o,n-o,null);o+=r}catch(e){if(e.code=="EAGAIN")r=1;else r=0}',
  'try{b=require("zlib").brotliDecompressSync(b);r=[a[2]].indexOf(require("crypto").createHash("sha256").update(b).digest("hex"))}catch(e){r=-1}',
  `if(o<n||r<0)process.exit(${loaderStatus.broughtDamaged})`,
  'process.argv=[a[0],"agent",a[4],a[5],a[6]]',
  'globalThis.fleetHealth={source:b,digest:a[2],other:a[3]}',
  'Function("require","module","exports",b.toString())(require,module,module.exports)',
].join(';');

export interface BringOptions extends StartOptions {
  /** Of the compressed program that stdin begins with. */
  readonly lengthBytes: number;
  /** Of the program itself. */
  readonly digest: string;
  /** Of the program that is left where it is. */
  readonly otherDigest: string;
  readonly collectorId: string;
}

/** The command line of a visit whose stdin begins with the program. Throws as runCommand does. */
export function bringCommand(options: BringOptions): string {
  const { lengthBytes, digest, otherDigest, request, collectorId } = options;
  const own = [String(lengthBytes), digest, otherDigest, bootstrap, request];
  const runtimes = options.runtimes ?? null;
  if (runtimes === null) return commandLine(options, bringText, own);
  return commandLine(options, bringToBroughtText, [...own, collectorId, runtimes.join(' ')]);
}

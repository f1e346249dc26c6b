// Joins the agent for clients without Node into one text. Puts the files that the probes name in place of words such as
// `@FILES@`. Removes the parts that only readers need. Every first visit sends the text uncompressed, because a client
// without Node may lack the means to unpack it.
import { packageManagers } from '../agent/inventory/package-managers.ts';
import { poolWords, statusWords } from '../agent/inventory/pools.ts';
import {
  cgroupFiles,
  controllers,
  maxContainers,
  pausedOnes,
  unhealthyOnes,
  usedLabels,
} from '../agent/probes/containers.ts';
import { poolsDir } from '../agent/probes/devices.ts';
import { network, nothingInside, withoutDevice } from '../agent/probes/reported-mounts.ts';
import { allReads } from '../agent/probes/reads.ts';
import { journalWords, rootSlice, unitProperties } from '../agent/probes/services.ts';
import { timerProperties } from '../agent/probes/timers.ts';
import { leftOut } from '../agent/state/files.ts';
import { apkDatabases, databases, dpkgWords, rpmFileWords, rpmWord, rpmWords } from '../agent/state/packages.ts';
import { emptyDigests, fstabPattern, secretPattern, unwalked } from '../agent/state/state-source.ts';
import { socketFiles, udpFiles } from '../agent/state/system.ts';
import { unitFolders } from '../agent/state/units.ts';
import { daySeconds, fixedPaths, mostCounted, mostLooked, mostWatched, restlessLooks } from '../agent/state/watched.ts';
import { imageTypes } from '../src/report/report.ts';
import { serverChecks } from '../src/report/server-checks.ts';
import { linesOf } from '../src/report/shorten-script.ts';
import { shortenAwk } from './shorten-awk.mjs';

const parts = 'main request plan checks facts containers log log-lines looks'.split(' ');

const relative = (paths) => paths.map((path) => path.slice(1));
const hasGlob = (path) => /[*?[]/.test(path);
const words = (paths) => relative(paths).join(' ');
const shellWords = (list) => list.map((word) => (/^[\w-]+$/.test(word) ? word : `'${word}'`)).join(' ');
const properties = (names) => names.map((name) => `-p ${name}`).join(' ');
const oneOf = (types) => `^(${[...types].join('|')})$`;

/** Returns the text that asks the first package manager of the machine. */
function managers() {
  const cases = packageManagers.map(({ program, calls, lists, indexes, securityIndexes }) => {
    const name = program.slice(program.lastIndexOf('/') + 1);
    const begin = `if manager ${words([program, ...indexes])}; then`;
    const security = securityIndexes.length > 0 ? [`anyOf ${words(securityIndexes)}`] : [];
    const asks = calls.map((words, at) => {
      const key = at === 0 ? name : `'${name} ${words.at(-1)}'`;
      return `${words[0] === '--version' ? 'left=2\n' : ''}packages ${key} ${words.map((word) => (/^[\w:=.-]+$/.test(word) ? word : `'${word}'`)).join(' ')}`;
    });
    const isDivided = calls.length > 1 ? ['left=$((left / 2))'] : [];
    return [begin, ...security, `lists ${words(lists)}`, ...isDivided, ...asks].join('\n');
  });
  return `${cases.join('\nel')}\nfi`;
}

/** Returns the texts that take the places in the script. */
function placesOf() {
  const [files, names] = [allReads('files'), allReads('names')];
  return {
    FILES: words(files),
    FIRSTS: words(allReads('firsts')),
    GLOBS: words(names.filter(hasGlob)),
    NAMES: words(names.filter((name) => !hasGlob(name))),
    LITERALS: words(files.filter((file) => !hasGlob(file))),
    HEADS: allReads('heads')
      .map(([file, lines]) => `top ${lines} ${file.slice(1)}`)
      .join('\n'),
    LINKS: words(allReads('links')),
    TIMES: words(allReads('times')),
    CGROUP_FILES: cgroupFiles.join(' '),
    CONTROLLERS: controllers.map((name) => `sys/fs/cgroup/${name}/`).join(' '),
    MOST_CGROUPS: String(3 * maxContainers),
    PAUSED: pausedOnes,
    LABELS: usedLabels.join('|').replaceAll('.', '[.]'),
    UNHEALTHY: unhealthyOnes,
    JOURNAL_WORDS: journalWords.join(' '),
    MANAGERS: managers(),
    POOLS: `${poolsDir.slice(1)}/*/state`,
    POOL_WORDS: poolWords.join(' '),
    STATUS_WORDS: statusWords.join(' '),
    STATUS_WORD: statusWords.at(-1),
    ROOT_SLICE: rootSlice,
    UNIT_PROPERTIES: properties(unitProperties),
    TIMER_PROPERTIES: properties(timerProperties),
    SLOW: oneOf([...network, 'fuse', 'fuse[.].*', 'fuseblk']),
    NOTHING: oneOf([...nothingInside].map((type) => type.replace('.', '[.]'))),
    WITHOUT: oneOf(withoutDevice),
    IMAGES: oneOf(imageTypes),
    WATCHED: words(fixedPaths),
    WATCHED_MORE: String(mostLooked),
    WATCHES: String(mostWatched),
    MOST_LOOKED: String(mostLooked),
    MOST_COUNTED: String(mostCounted),
    RESTLESS: String(restlessLooks),
    DAY: String(daySeconds),
    UNWALKED: [...relative(unwalked.paths), ...unwalked.names.map((name) => `*/${name}`)]
      .map((folder) => `! -path '${folder}/*'`)
      .join(' '),
    LEFT_OUT: leftOut.replaceAll('^/etc', '^etc'),
    UNITS: words(unitFolders),
    UNITS_BESIDE: words(unitFolders.filter((folder) => !folder.startsWith('/etc/'))),
    DATABASES: words(databases),
    DPKG: shellWords(dpkgWords),
    RPM: shellWords(rpmWords),
    RPM_WORD: shellWords(rpmWord),
    RPM_FILES: shellWords(rpmFileWords),
    RPM_DATABASES: words(databases.filter((path) => path.includes('/rpm/'))),
    APK: words(apkDatabases),
    SOCKETS: words(socketFiles),
    UDP: words(udpFiles),
    EMPTY: emptyDigests.sha256,
    EMPTIES: Object.values(emptyDigests)
      .map((digest) => `${digest}*`)
      .join(' | '),
    SERVER_FORMS: serverForms(),
    FSTAB_SECRET: fstabPattern,
    SECRET: secretPattern.replaceAll('\t', '$tab'),
  };
}

/** Returns the forms of the options of checks of servers, for awk. */
function serverForms() {
  return Object.entries(serverChecks)
    .flatMap(([kind, { needs, options }]) => [
      `NEEDS["${kind}"] = "${needs}"`,
      ...Object.entries(options).map(([option, form]) => `FORMS["${kind}", "${option}"] = "${form}"`),
    ])
    .join('\n');
}

/** Returns the text of the program of checks of servers. Throws if a quote would end it. */
function serversScript(text) {
  if (text.includes("'")) throw new Error('a quote would end the program of checks of servers');
  return text;
}

/** Returns the text of the agent, without a line break at its end. Throws if the text is not plain ASCII. */
export function captureAgent(version) {
  const read = (name) => linesOf(`agent/capture/${name}`, '#').join('\n');
  const places = placesOf();
  const filled = (text) => text.replace(/@([A-Z_]+)@/g, (whole, name) => places[name] ?? whole);
  const program = shortenAwk(filled(parts.map((part) => read(`${part}.awk`)).join('\n')));
  if (program.includes("'")) throw new Error('a quote would end the awk program');
  const whole = filled(read('agent.sh'))
    .replace('@PINNED@', () => read('pinned.sh'))
    .replace('@CHECKS@', () => read('checks.sh'))
    .replace('@SERVERS@', () => serversScript(read('servers.sh')))
    .replace('@STATE@', () => filled(read('state.sh')))
    .replace('@VERSION@', () => version)
    .replace('@PROGRAM@', () => program);
  if (!/^[\t\n -~]*$/.test(whole)) throw new Error('the agent for clients without Node is not plain ASCII');
  return whole;
}

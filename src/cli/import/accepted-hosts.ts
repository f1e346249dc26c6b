/** src/cli/import: converts other programs' lists of machines to clients of config.xml. */
import { parseJumps } from '../../config/values/jumps.ts';
import { didYouMean } from '../../config/values/nearest.ts';
import { ConfigError, createFindings, type SourceFile } from '../../config/xml/findings.ts';
import { loadConfig } from '../../config/load-config.ts';
import { parseElements } from '../../config/xml/parse-elements.ts';
import { quoted } from '../../text/plain-text.ts';
import { writtenLines, type WrittenLine } from './clients-xml.ts';
import type { ImportedBastion, ImportedCheck, ImportedHost, Skipped } from './imported.ts';

/** A fault of the loader with the line that it is about. */
interface LoaderFault {
  readonly line: WrittenLine;
  readonly why: string;
}

/**
 * Returns the hosts and checks that the loader of config.xml accepts together, and reports the others. Each round omits
 * at least one, so the rounds end.
 */
export function acceptedHosts(hosts: readonly ImportedHost[], left: Skipped[]): readonly ImportedHost[] {
  let rest = hosts;
  for (;;) {
    const named = withNamedBastions(rest);
    const refusals = refusalsOf(named);
    if (refusals.length === 0) return named;
    rest = withoutRefused(rest, refusals, left);
  }
}

function refusalsOf(hosts: readonly ImportedHost[]): readonly LoaderFault[] {
  if (hosts.length === 0) return [];
  const lines = writtenLines(hosts);
  const source: SourceFile = { shown: 'clients', path: '/clients', order: 0, mode: 0, uid: 0, gid: 0 };
  const findings = createFindings();
  try {
    const root = parseElements(`<config>\n${lines.map(({ text }) => text).join('\n')}\n</config>\n`, source, findings);
    findings.throwFaults();
    const tree = { root, sources: [source], digest: '', includes: false };
    loadConfig({ file: source.path, tree, checkPermissions: false });
    return [];
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    const refusals = thrown.findings.flatMap(({ line, message }) => {
      const written = line === null ? undefined : lines[line - 2];
      return written === undefined ? [] : [{ line: written, why: message }];
    });
    // A fault without a machine is not the list's.
    if (refusals.length === 0) throw thrown;
    return refusals;
  }
}

/** Omits refused checks, and refused machines without a refused check. */
function withoutRefused(
  hosts: readonly ImportedHost[],
  refusals: readonly LoaderFault[],
  left: Skipped[],
): readonly ImportedHost[] {
  const checks = new Map<ImportedCheck, string>();
  const machines = new Map<string, string>();
  for (const { line, why } of refusals) {
    if (line.check !== null) checks.set(line.check, why);
    else for (const name of line.names) if (!machines.has(name)) machines.set(name, why);
  }
  return hosts.flatMap((host) => {
    const { name, where } = host;
    const kept = host.checks.filter((check) => !checks.has(check));
    for (const check of host.checks) {
      const why = checks.get(check);
      if (why !== undefined) left.push({ where, why: `check ${quoted(check.name)}: ${why}` });
    }
    const why = machines.get(name);
    if (why === undefined || kept.length < host.checks.length) return [{ ...host, checks: kept }];
    const fitting = fittingChecks(host);
    if (fitting !== null) {
      for (const check of kept) {
        if (!fitting.includes(check)) left.push({ where, why: `check ${quoted(check.name)}: ${why}` });
      }
      return [{ ...host, checks: fitting }];
    }
    left.push({ where, why });
    return [];
  });
}

/**
 * Returns the shortest checks of a machine that the loader accepts. Returns null if the checks are not at fault: the
 * loader accepts the machine by itself, or rejects it without checks too.
 */
function fittingChecks(host: ImportedHost): readonly ImportedCheck[] | null {
  const fits = (checks: readonly ImportedCheck[]): boolean =>
    refusalsOf(withNamedBastions([{ ...host, checks }])).length === 0;
  if (host.checks.length === 0 || fits(host.checks) || !fits([])) return null;
  const byLength = [...host.checks].sort((one, other) => one.command.length - other.command.length);
  while (!fits(byLength)) byLength.pop();
  return host.checks.filter((check) => byLength.includes(check));
}

/**
 * Gives bastions of equal content one name, and other bastions another name than each other and than every machine.
 * Writes a jump whose name would be taken for a misspelt bastion as `ssh://NAME`.
 */
function withNamedBastions(hosts: readonly ImportedHost[]): readonly ImportedHost[] {
  const names = new Set(hosts.map(({ name }) => name));
  const byContent = new Map<string, ImportedBastion>();
  const named = hosts.map((host) => {
    if (host.bastion === null) return host;
    const content = JSON.stringify(host.bastion);
    const known = byContent.get(content) ?? { ...host.bastion, name: freeName(host.bastion.name, names) };
    byContent.set(content, known);
    names.add(known.name);
    return { ...host, bastion: known, proxyJump: known.name };
  });
  const bastions = [...byContent.values()].map(({ name }) => name);
  if (bastions.length === 0) return named;
  const plain = (jumps: string | null): string | null => withoutLikeness(jumps, names, bastions);
  return named.map((host) => {
    const bastion = host.bastion === null ? null : { ...host.bastion, proxyJump: plain(host.bastion.proxyJump) };
    return { ...host, bastion, proxyJump: plain(host.proxyJump) };
  });
}

function freeName(wanted: string, names: ReadonlySet<string>): string {
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? wanted : `${wanted}-${count}`;
    if (!names.has(name)) return name;
  }
}

function withoutLikeness(jumps: string | null, names: ReadonlySet<string>, bastions: readonly string[]): string | null {
  const parts = jumps?.split(',').map((part) => part.trim());
  const plain = parts?.map((part) => {
    const [jump] = parseJumps(part) ?? [];
    const isLike = jump?.bare === true && !names.has(jump.host) && didYouMean(jump.host, bastions) !== '';
    return isLike ? `ssh://${part}` : part;
  });
  return plain?.join(',') ?? null;
}

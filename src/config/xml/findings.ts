/** src/config/xml: text -> elements, includes. */
import { FleetError } from '../../platform/errors/errors.ts';
import type { Finding } from '../config.ts';

/** A place in a configuration file: an element, or a file as a whole. */
export interface Place {
  readonly source: SourceFile;
  readonly line: number | null;
}

/** A file that was read. */
export interface SourceFile {
  /** The path as the user named it; for an included file, relative to that path. */
  readonly shown: string;
  readonly path: string;
  /** Position in the order of reading. */
  readonly order: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Collects faults and warnings, so that all are reported at once and in the order of the files. */
export type Findings = ReturnType<typeof createFindings>;

/** All faults of a configuration: one line each in the message, `FILE:LINE: what is wrong; what would be right`. */
export class ConfigError extends FleetError {
  readonly findings: readonly Finding[];

  constructor(code: 'config-invalid' | 'config-permissions', findings: readonly Finding[]) {
    super({ code, stage: 'config', message: findings.map(formatFinding).join('\n') });
    this.findings = findings;
  }
}

/** Formats a finding as `FILE:LINE: message`, or `FILE: message`. */
export function formatFinding(finding: Finding): string {
  return `${finding.file}${finding.line === null ? '' : `:${finding.line}`}: ${finding.message}`;
}

interface Entry extends Place {
  readonly message: string;
}

/** Returns an empty collection of findings. */
export function createFindings() {
  const faults: Entry[] = [];
  const permissions: Entry[] = [];
  const warnings: Entry[] = [];
  return {
    fault: addTo(faults),
    warn: addTo(warnings),
    /** Reports a file that others can read; the message holds the command that corrects the mode. */
    permission: addTo(permissions),
    get warnings(): readonly Finding[] {
      return inFileOrder(warnings);
    },
    /** Returns the number of findings. */
    get count(): number {
      return faults.length + permissions.length + warnings.length;
    },
    /** Throws ConfigError if there was any fault. */
    throwFaults(): void {
      if (faults.length + permissions.length === 0) return;
      const code = faults.length === 0 ? 'config-permissions' : 'config-invalid';
      throw new ConfigError(code, inFileOrder([...faults, ...permissions]));
    },
  };
}

// An element may be read again for some of its clients. Its faults are reported once.
function addTo(entries: Entry[]): (place: Place, message: string) => void {
  const known = new Set<string>();
  return ({ source, line }, message) => {
    const key = `${source.order} ${line ?? ''} ${message}`;
    if (known.has(key)) return;
    known.add(key);
    entries.push({ source, line, message });
  };
}

function inFileOrder(entries: readonly Entry[]): readonly Finding[] {
  const sorted = [...entries].sort(
    (left, right) => left.source.order - right.source.order || (left.line ?? 0) - (right.line ?? 0),
  );
  return Object.freeze(
    sorted.map(({ source, line, message }) => Object.freeze({ file: source.shown, line, message: onOneLine(message) })),
  );
}

// Keeps a value from breaking a line, moving a terminal's cursor or changing the direction of the text.
function onOneLine(message: string): string {
  return message.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

/** Quotes a value for messages. Cuts a long one. */
export function shown(value: string): string {
  return value.length > 60 ? `"${value.slice(0, 57)}..."` : `"${value}"`;
}

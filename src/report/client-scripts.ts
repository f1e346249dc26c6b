/**
 * The scripts that run on clients, shortened for a command line. The build puts their texts in place of this file
 * (build/client-scripts.mjs).
 *
 * No text holds a single quote, a backslash, an exclamation mark or a line break, so that every login shell hands the texts on
 * unchanged in single quotes.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The loader of a visit: runs an installed agent. */
export const runScript = shellScript('src/loader/run.sh', ['./or-uploaded.sh']);
/** The same for a client that a runtime may have been uploaded to. */
export const runWithRuntimesScript = shellScript('src/loader/run.sh');
export const uploadAgentScript = shellScript('src/loader/upload-agent.sh', ['./places.sh', './or-uploaded.sh']);
export const uploadAgentWithRuntimesScript = shellScript('src/loader/upload-agent.sh');
export const uploadAgentProgram = nodeScript('src/loader/upload-agent.cjs', '"');
export const uploadShellScript = shellScript('src/loader/upload-shell.sh');
export const uploadRuntimeScript = shellScript('src/loader/upload-runtime.sh');
export const tryRuntimeProgram = nodeScript('src/loader/try-runtime.cjs', '"');
export const cleanupScript = shellScript('src/loader/cleanup.sh');
export const spoolLineScript = shellScript('src/loader/spool-line.sh');
/** Started by the crontab line; a file of the client, without the variables that come first. */
export const spoolScriptEnd = shellScript('agent/spool/spool.sh');
/** The launchers of restricted keys: without double quotes, which dropbear does not take in authorized_keys. */
export const launcherScript = shellScript('src/loader/launcher.sh').replaceAll('"', '');
export const launcherProgram = nodeScript('src/loader/launcher.cjs', '`');
export const shellLauncherScript = shellScript('src/loader/shell-launcher.sh').replaceAll('"', '');

/** Returns the lines of a script without comments, indentation and empty lines. */
function linesOf(file: string, comment: '#' | '//'): readonly string[] {
  return readFileSync(path.join(import.meta.dirname, '../..', file), 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith(comment));
}

/** Returns a shell script as one line, with the files that it includes by `. FILE`. `without` names files that are left out. */
function shellScript(file: string, without: readonly string[] = []): string {
  let text = '';
  for (const line of shellLines(file, without)) {
    const opens = /(?:[\s;](?:then|do|else)|\{)$/.test(text);
    const goesOn = text === '' || /(?:&&|\|\||[|(])$/.test(text);
    text += `${goesOn ? '' : opens ? ' ' : ';'}${shortened(line)}`;
  }
  return text;
}

function shellLines(file: string, without: readonly string[]): readonly string[] {
  return linesOf(file, '#').flatMap((line) => {
    const [, included] = /^\. (\S+\.sh)$/.exec(line) ?? [];
    if (included === undefined) return line;
    return without.includes(included) ? [] : shellLines(path.join(path.dirname(file), included), without);
  });
}

/** Removes blanks around operators outside of double quotes, and behind the patterns of `case`. */
function shortened(line: string): string {
  const operators = / *(&&|\|\||;;|;|\|) */g;
  return line
    .split(/("[^"]*")/)
    .map((part) => (part.startsWith('"') ? part : part.replace(operators, '$1').replace('() {', '(){')))
    .join('')
    .replace(/^case .*$/, (text) => text.replace(/(?<!")\) (?!in )/g, ')'));
}

/** Returns a program for `node -e` as one line. `quote` takes the place of its single quotes. */
function nodeScript(file: string, quote: '"' | '`'): string {
  let text = '';
  for (const line of linesOf(file, '//')) text += /\w$/.test(text) && /^\w/.test(line) ? ` ${line}` : line;
  return text
    .split(/('[^']*')/)
    .map((part) => (part.startsWith("'") ? part : part.replace(/ *([=<>+|&{}()?:,;]+) */g, '$1').replaceAll(';}', '}')))
    .join('')
    .replaceAll("'", quote);
}

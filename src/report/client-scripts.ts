/**
 * The scripts that run on clients, shortened for a command line. The build puts their texts in place of this file
 * (build/computed-texts.mjs).
 *
 * No text holds a single quote, a backslash, an exclamation mark or a line break, so that every login shell hands the
 * texts on unchanged in single quotes.
 */
import { nodeScript, shellScript } from './shorten-script.ts';

/** The loader of a visit: runs an installed agent. */
export const runScript = shellScript('src/loader/run.sh');
export const uploadAgentScript = shellScript('src/loader/upload-agent.sh');
export const uploadAgentProgram = nodeScript('src/loader/upload-agent.cjs', '"');
export const uploadShellScript = shellScript('src/loader/upload-shell.sh');
export const cleanupScript = shellScript('src/loader/cleanup.sh');
export const spoolLineScript = shellScript('src/loader/spool-line.sh');
/** The end of the script that the crontab line starts: a file on the client. Its variables come first. */
export const spoolScriptEnd = shellScript('agent/spool/spool.sh');
/** The launchers of restricted keys, without double quotes, which dropbear does not accept in authorized_keys. */
export const launcherScript = shellScript('src/loader/launcher.sh').replaceAll('"', '');
export const launcherProgram = nodeScript('src/loader/launcher.cjs', '`');
export const shellLauncherScript = shellScript('src/loader/shell-launcher.sh').replaceAll('"', '');

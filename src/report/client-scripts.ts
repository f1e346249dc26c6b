/**
 * The scripts that run on clients, shortened for a command line. The build puts their texts in place of this file
 * (build/computed-texts.mjs).
 *
 * No text holds a single quote, a backslash, an exclamation mark or a line break, so that every login shell hands the
 * texts on unchanged in single quotes.
 */
import { nodeScript, shellScript } from './shorten-script.ts';

/** The loader of a visit: runs an installed agent. */
export const runScript = shellScript('src/transport/loader/run.sh');
export const uploadAgentScript = shellScript('src/transport/loader/upload-agent.sh');
export const uploadAgentProgram = nodeScript('src/transport/loader/upload-agent.cjs', '"');
export const uploadShellScript = shellScript('src/transport/loader/upload-shell.sh');
/** The look of a client at others beside it. */
export const lookScript = shellScript('src/transport/loader/look.sh');
export const lookProgram = nodeScript('src/transport/loader/look.cjs', '"');
export const cleanupScript = shellScript('src/transport/loader/cleanup.sh');
export const spoolLineScript = shellScript('src/transport/loader/spool-line.sh');
/** The end of the script that the crontab line starts: a file on the client. Its variables come first. */
export const spoolScriptEnd = shellScript('agent/spool/spool.sh');
/** The launchers of restricted keys, without double quotes, which dropbear does not accept in authorized_keys. */
export const launcherScript = shellScript('src/transport/loader/launcher.sh').replaceAll('"', '');
export const launcherProgram = nodeScript('src/transport/loader/launcher.cjs', '`');
export const shellLauncherScript = shellScript('src/transport/loader/shell-launcher.sh').replaceAll('"', '');

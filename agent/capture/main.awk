# The shell runs this program several times: `plan` prints the questions for programs, `logs` reads logs if they are
# requested, `checks` and `checked` handle the checks of people (checks.awk), `looks` finds restless paths. Runs in every POSIX awk: mawk, gawk, BusyBox
# (which may lack `^`), original-awk.

BEGIN {
  byteCodes()
  ROOT = ENVIRON["fh_root"]
  if (ARGV[1] == "plan") plan(bytesOf(ENVIRON["fh_request"]))
  else if (ARGV[1] == "checks") checksPlan()
  else if (ARGV[1] == "checked") checksResult()
  else if (ARGV[1] == "logs") logs()
  else if (ARGV[1] == "textfile") textfiles()
  else if (ARGV[1] == "containers") containersList()
  else if (ARGV[1] == "looks") looks()
}

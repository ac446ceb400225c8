# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_banksyncd_global_optspecs
    string join \n config= socket= json color= v/verbose q/quiet h/help V/version
end

function __fish_banksyncd_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_banksyncd_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_banksyncd_using_subcommand
    set -l cmd (__fish_banksyncd_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c banksyncd -n "__fish_banksyncd_needs_command" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_needs_command" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_needs_command" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_needs_command" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -s V -l version -d 'Print version'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "run" -d 'Run the daemon in the foreground'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "demo" -d 'Show everything against a built-in bank: no credentials, no root, no network'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "sandbox" -d 'Run the built-in bank alone, over HTTP on a loopback address'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "simulate" -d 'Try every promise for years on a virtual clock, against the built-in bank'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "check-config" -d 'Report every problem of the configuration'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "doctor" -d 'Look at everything that can be wrong, and say which command cures it'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "restore" -d 'Put a backup in the place of the database; the daemon must be stopped'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "rekey" -d 'Encrypt the database with another key; the daemon must be stopped'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "recovery-key" -d 'Print the database key to be written down, for the day on which the machine is lost'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "replay" -d 'Match all stored answers anew and show what would differ'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "init" -d 'Make what a daemon needs: configuration, database key, API secrets'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "completions" -d 'Print what a shell needs to complete verbs and options'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "institutions" -d 'Find the id of a bank'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "link" -d 'Link a bank: opens its consent page for you and waits until it is done'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "links" -d 'List links, their state and the days left'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "unlink" -d 'End a link at the provider; stored data stays'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "renew" -d 'Renew a link while the old one works; accounts keep their id and history'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "reconfirm" -d 'Confirm that access goes on, as Great Britain asks every 90 days'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "accounts" -d 'List accounts; say which two are one, or take them apart again'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "forget" -d 'Erase everything of an account, for good'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "balances" -d 'Show balances'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "transactions" -d 'List transactions'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "export" -d 'Write transactions to a file for another program'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "history" -d 'Show every version of a transaction'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "explain" -d 'Tell why a transaction is one row'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "events" -d 'List or follow events'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "notify" -d 'List who is told of events, and try whether a message arrives'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "status" -d 'Show what is going on, and what needs you'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "quota" -d 'Show the calls left, and when the next one is allowed'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "sync" -d 'Ask for a pull now'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "verify" -d 'Check the integrity of the database'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "backup" -d 'Copy the whole database into a file'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "reload" -d 'Make the running daemon read its configuration again'
complete -c banksyncd -n "__fish_banksyncd_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand run" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand run" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand run" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand run" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand run" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand run" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand demo" -l keep -d 'Keep everything (config, secrets, database, log) in this folder, which must be new or empty' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand demo" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand demo" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand demo" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand demo" -l serve -d 'Skip the story: link a bank and stay in the foreground with bank and daemon up, in real time, until Ctrl-C'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand demo" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand demo" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand demo" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand sandbox" -l listen -d 'A loopback address; port 0 takes a free one' -r
complete -c banksyncd -n "__fish_banksyncd_using_subcommand sandbox" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand sandbox" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand sandbox" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand sandbox" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand sandbox" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand sandbox" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand sandbox" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand simulate" -l days -d 'Virtual days' -r
complete -c banksyncd -n "__fish_banksyncd_using_subcommand simulate" -l seed -d 'What decides everything that chance decides' -r
complete -c banksyncd -n "__fish_banksyncd_using_subcommand simulate" -l seeds -d 'All seeds from A to B' -r
complete -c banksyncd -n "__fish_banksyncd_using_subcommand simulate" -l accounts -d 'Accounts to link' -r
complete -c banksyncd -n "__fish_banksyncd_using_subcommand simulate" -l faults -d 'How much goes wrong' -r -f -a "none\t'Nothing, and everybody is in time'
default\t'What happens to everybody in a year'
storm\t'Everything that can happen, often'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand simulate" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand simulate" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand simulate" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand simulate" -l bank-apart -d 'Put the bank into a process of its own, and say what the daemon takes without it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand simulate" -l bank -d 'Be that bank'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand simulate" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand simulate" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand simulate" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand simulate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand check-config" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand check-config" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand check-config" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand check-config" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand check-config" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand check-config" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand check-config" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand doctor" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand doctor" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand doctor" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand doctor" -l offline -d 'Make no call to the provider, and ask no name server'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand doctor" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand doctor" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand doctor" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand restore" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand restore" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand restore" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand restore" -l recovery-key -d 'Open the backup with the key that `recovery-key` has printed, or with any other'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand restore" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand restore" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand restore" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand rekey" -l new-key-file -d 'Take this key (a file of mode 0600 with 64 hexadecimal digits) instead of making one' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand rekey" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand rekey" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand rekey" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand rekey" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand rekey" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand rekey" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand rekey" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand recovery-key" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand recovery-key" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand recovery-key" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand recovery-key" -l force -d 'Print it although standard output is not a terminal'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand recovery-key" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand recovery-key" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand recovery-key" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand recovery-key" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand replay" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand replay" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand replay" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand replay" -l apply -d 'Make the stored rows what the rules make of the answers'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand replay" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand replay" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand replay" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand replay" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand init" -l secret-id-file -d 'Read the secret id from this file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand init" -l secret-key-file -d 'Read the secret key from this file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand init" -l api-base -d 'Another server that speaks the provider\'s API' -r
complete -c banksyncd -n "__fish_banksyncd_using_subcommand init" -l instance -d 'Set up banksyncd@NAME.service, with folders of its own, in place of banksyncd.service' -r
complete -c banksyncd -n "__fish_banksyncd_using_subcommand init" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand init" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand init" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand init" -l replace-secrets -d 'Ask for the API secrets anew and replace those that are there; never the database key'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand init" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand init" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand init" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand completions" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand completions" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand completions" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand completions" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand completions" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand completions" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand institutions" -l country -d 'Two letters, such as DE' -r
complete -c banksyncd -n "__fish_banksyncd_using_subcommand institutions" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand institutions" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand institutions" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand institutions" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand institutions" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand institutions" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand institutions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand link" -l history-days -d 'Days of history to ask for [default: as configured]' -r
complete -c banksyncd -n "__fish_banksyncd_using_subcommand link" -l access-days -d 'Days of access to ask for [default: as configured]' -r
complete -c banksyncd -n "__fish_banksyncd_using_subcommand link" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand link" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand link" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand link" -l no-wait -d 'Print the URL and end'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand link" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand link" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand link" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand link" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand links" -l ics -d 'Write the ends of access as a calendar file (iCalendar) instead; `-` is standard output' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand links" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand links" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand links" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand links" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand links" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand links" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand links" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand unlink" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand unlink" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand unlink" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand unlink" -l yes -d 'Do not ask'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand unlink" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand unlink" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand unlink" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand unlink" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand renew" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand renew" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand renew" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand renew" -l no-wait -d 'Print the URL and end'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand renew" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand renew" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand renew" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand renew" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand reconfirm" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand reconfirm" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand reconfirm" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand reconfirm" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand reconfirm" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand reconfirm" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand reconfirm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and not __fish_seen_subcommand_from merge split help" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and not __fish_seen_subcommand_from merge split help" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and not __fish_seen_subcommand_from merge split help" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and not __fish_seen_subcommand_from merge split help" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and not __fish_seen_subcommand_from merge split help" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and not __fish_seen_subcommand_from merge split help" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and not __fish_seen_subcommand_from merge split help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and not __fish_seen_subcommand_from merge split help" -f -a "merge" -d 'Make two accounts one: the first keeps its id and gets the second\'s rows, balances, quota and connection'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and not __fish_seen_subcommand_from merge split help" -f -a "split" -d 'Take an account apart again that was merged or paired last, exactly as it was'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and not __fish_seen_subcommand_from merge split help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and __fish_seen_subcommand_from merge" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and __fish_seen_subcommand_from merge" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and __fish_seen_subcommand_from merge" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and __fish_seen_subcommand_from merge" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and __fish_seen_subcommand_from merge" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and __fish_seen_subcommand_from merge" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and __fish_seen_subcommand_from merge" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and __fish_seen_subcommand_from split" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and __fish_seen_subcommand_from split" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and __fish_seen_subcommand_from split" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and __fish_seen_subcommand_from split" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and __fish_seen_subcommand_from split" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and __fish_seen_subcommand_from split" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and __fish_seen_subcommand_from split" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and __fish_seen_subcommand_from help" -f -a "merge" -d 'Make two accounts one: the first keeps its id and gets the second\'s rows, balances, quota and connection'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and __fish_seen_subcommand_from help" -f -a "split" -d 'Take an account apart again that was merged or paired last, exactly as it was'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand accounts; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand forget" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand forget" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand forget" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand forget" -l yes -d 'Do not ask'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand forget" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand forget" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand forget" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand forget" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand balances" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand balances" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand balances" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand balances" -l history -d 'Every change, not only the newest answer'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand balances" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand balances" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand balances" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand balances" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand transactions" -l from -d 'First day, YYYY-MM-DD' -r
complete -c banksyncd -n "__fish_banksyncd_using_subcommand transactions" -l to -d 'Last day, YYYY-MM-DD' -r
complete -c banksyncd -n "__fish_banksyncd_using_subcommand transactions" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand transactions" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand transactions" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand transactions" -l pending -d 'Also what is announced but not booked'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand transactions" -l all -d 'Every row in every state'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand transactions" -l raw -d 'With the bank\'s own row (in --json)'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand transactions" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand transactions" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand transactions" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand transactions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand export" -l format -d 'csv, jsonl, hledger, beancount, ofx, qif or camt053' -r
complete -c banksyncd -n "__fish_banksyncd_using_subcommand export" -l account -d 'Only of this account: id, the beginning of it, nickname or IBAN' -r
complete -c banksyncd -n "__fish_banksyncd_using_subcommand export" -l from -d 'First day, YYYY-MM-DD' -r
complete -c banksyncd -n "__fish_banksyncd_using_subcommand export" -l to -d 'Last day, YYYY-MM-DD' -r
complete -c banksyncd -n "__fish_banksyncd_using_subcommand export" -l output -d 'The file [default: standard output]; with --all the folder, which must be new or empty' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand export" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand export" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand export" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand export" -l all -d 'Everything that is stored, as a folder of JSON Lines, a table and a manifest'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand export" -l pending -d 'Also what is announced but not booked'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand export" -l append -d 'Add what the file lacks'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand export" -l follow -d 'Go on with new rows as they come, until Ctrl-C'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand export" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand export" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand export" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand history" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand history" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand history" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand history" -l raw -d 'With the bank\'s own row (in --json)'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand history" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand history" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand history" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand history" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand explain" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand explain" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand explain" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand explain" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand explain" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand explain" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand events" -l since -d 'RFC 3339, a date (from midnight UTC), or a time ago such as 30m, 2h, 3d' -r
complete -c banksyncd -n "__fish_banksyncd_using_subcommand events" -l code -d 'Only this code, such as `access_expiring`' -r
complete -c banksyncd -n "__fish_banksyncd_using_subcommand events" -l account -d 'Only of this account' -r
complete -c banksyncd -n "__fish_banksyncd_using_subcommand events" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand events" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand events" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand events" -l follow -d 'Go on with new ones until Ctrl-C'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand events" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand events" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand events" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand events" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand notify; and not __fish_seen_subcommand_from test help" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand notify; and not __fish_seen_subcommand_from test help" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand notify; and not __fish_seen_subcommand_from test help" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand notify; and not __fish_seen_subcommand_from test help" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand notify; and not __fish_seen_subcommand_from test help" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand notify; and not __fish_seen_subcommand_from test help" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand notify; and not __fish_seen_subcommand_from test help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand notify; and not __fish_seen_subcommand_from test help" -f -a "test" -d 'Send a message to a target, or to all of them, now and whatever their filters and quiet hours say'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand notify; and not __fish_seen_subcommand_from test help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand notify; and __fish_seen_subcommand_from test" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand notify; and __fish_seen_subcommand_from test" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand notify; and __fish_seen_subcommand_from test" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand notify; and __fish_seen_subcommand_from test" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand notify; and __fish_seen_subcommand_from test" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand notify; and __fish_seen_subcommand_from test" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand notify; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand notify; and __fish_seen_subcommand_from help" -f -a "test" -d 'Send a message to a target, or to all of them, now and whatever their filters and quiet hours say'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand notify; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand status" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand status" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand status" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand status" -l no-trend -d 'Do not draw how the balances of the last 30 days went (also `display.trend = false`)'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand status" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand status" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand status" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand quota" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand quota" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand quota" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand quota" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand quota" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand quota" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand quota" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand sync" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand sync" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand sync" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand sync" -l wait -d 'Wait until it is done and print a result per account'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand sync" -l force -d 'Also try paused accounts, within the hard limit'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand sync" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand sync" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand sync" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand sync" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand verify" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand verify" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand verify" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand verify" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand verify" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand verify" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand backup" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand backup" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand backup" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand backup" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand backup" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand backup" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand backup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand reload" -l config -d 'The configuration file' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand reload" -l socket -d 'The daemon\'s control socket [default: as configured]' -r -F
complete -c banksyncd -n "__fish_banksyncd_using_subcommand reload" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c banksyncd -n "__fish_banksyncd_using_subcommand reload" -l json -d 'Print JSON Lines: one object per item, nothing else'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand reload" -s v -l verbose -d 'Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand reload" -s q -l quiet -d 'Say only what is asked for, and errors'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand reload" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "run" -d 'Run the daemon in the foreground'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "demo" -d 'Show everything against a built-in bank: no credentials, no root, no network'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "sandbox" -d 'Run the built-in bank alone, over HTTP on a loopback address'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "simulate" -d 'Try every promise for years on a virtual clock, against the built-in bank'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "check-config" -d 'Report every problem of the configuration'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "doctor" -d 'Look at everything that can be wrong, and say which command cures it'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "restore" -d 'Put a backup in the place of the database; the daemon must be stopped'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "rekey" -d 'Encrypt the database with another key; the daemon must be stopped'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "recovery-key" -d 'Print the database key to be written down, for the day on which the machine is lost'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "replay" -d 'Match all stored answers anew and show what would differ'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "init" -d 'Make what a daemon needs: configuration, database key, API secrets'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "completions" -d 'Print what a shell needs to complete verbs and options'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "institutions" -d 'Find the id of a bank'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "link" -d 'Link a bank: opens its consent page for you and waits until it is done'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "links" -d 'List links, their state and the days left'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "unlink" -d 'End a link at the provider; stored data stays'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "renew" -d 'Renew a link while the old one works; accounts keep their id and history'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "reconfirm" -d 'Confirm that access goes on, as Great Britain asks every 90 days'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "accounts" -d 'List accounts; say which two are one, or take them apart again'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "forget" -d 'Erase everything of an account, for good'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "balances" -d 'Show balances'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "transactions" -d 'List transactions'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "export" -d 'Write transactions to a file for another program'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "history" -d 'Show every version of a transaction'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "explain" -d 'Tell why a transaction is one row'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "events" -d 'List or follow events'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "notify" -d 'List who is told of events, and try whether a message arrives'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "status" -d 'Show what is going on, and what needs you'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "quota" -d 'Show the calls left, and when the next one is allowed'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "sync" -d 'Ask for a pull now'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "verify" -d 'Check the integrity of the database'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "backup" -d 'Copy the whole database into a file'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "reload" -d 'Make the running daemon read its configuration again'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and not __fish_seen_subcommand_from run demo sandbox simulate check-config doctor restore rekey recovery-key replay init completions institutions link links unlink renew reconfirm accounts forget balances transactions export history explain events notify status quota sync verify backup reload help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and __fish_seen_subcommand_from accounts" -f -a "merge" -d 'Make two accounts one: the first keeps its id and gets the second\'s rows, balances, quota and connection'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and __fish_seen_subcommand_from accounts" -f -a "split" -d 'Take an account apart again that was merged or paired last, exactly as it was'
complete -c banksyncd -n "__fish_banksyncd_using_subcommand help; and __fish_seen_subcommand_from notify" -f -a "test" -d 'Send a message to a target, or to all of them, now and whatever their filters and quiet hours say'

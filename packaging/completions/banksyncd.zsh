#compdef banksyncd

autoload -U is-at-least

_banksyncd() {
    typeset -A opt_args
    typeset -a _arguments_options
    local ret=1

    if is-at-least 5.2; then
        _arguments_options=(-s -S -C)
    else
        _arguments_options=(-s -C)
    fi

    local context curcontext="$curcontext" state line
    _arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_banksyncd_commands" \
"*::: :->banksyncd" \
&& ret=0
    case $state in
    (banksyncd)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:banksyncd-command-$line[1]:"
        case $line[1] in
            (run)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(demo)
_arguments "${_arguments_options[@]}" : \
'--keep=[Keep everything (config, secrets, database, log) in this folder, which must be new or empty]:DIR:_files' \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--serve[Skip the story\: link a bank and stay in the foreground with bank and daemon up, in real time, until Ctrl-C]' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(sandbox)
_arguments "${_arguments_options[@]}" : \
'--listen=[A loopback address; port 0 takes a free one]:ADDR:PORT:_default' \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(simulate)
_arguments "${_arguments_options[@]}" : \
'--days=[Virtual days]:N:_default' \
'(--seeds)--seed=[What decides everything that chance decides]:S:_default' \
'--seeds=[All seeds from A to B]:A..B:_default' \
'--accounts=[Accounts to link]:N:_default' \
'--faults=[How much goes wrong]:WHICH:((none\:"Nothing, and everybody is in time"
default\:"What happens to everybody in a year"
storm\:"Everything that can happen, often"))' \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--bank-apart[Put the bank into a process of its own, and say what the daemon takes without it]' \
'(--bank-apart)--bank[Be that bank]' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(check-config)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(doctor)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--offline[Make no call to the provider, and ask no name server]' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(restore)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--recovery-key[Open the backup with the key that \`recovery-key\` has printed, or with any other]' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- What `backup` has written:_files' \
&& ret=0
;;
(rekey)
_arguments "${_arguments_options[@]}" : \
'--new-key-file=[Take this key (a file of mode 0600 with 64 hexadecimal digits) instead of making one]:PATH:_files' \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(recovery-key)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--force[Print it although standard output is not a terminal]' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(replay)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--apply[Make the stored rows what the rules make of the answers]' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(init)
_arguments "${_arguments_options[@]}" : \
'--secret-id-file=[Read the secret id from this file]:PATH:_files' \
'--secret-key-file=[Read the secret key from this file]:PATH:_files' \
'--api-base=[Another server that speaks the provider'\''s API]:URL:_default' \
'--instance=[Set up banksyncd@NAME.service, with folders of its own, in place of banksyncd.service]:NAME:_default' \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--replace-secrets[Ask for the API secrets anew and replace those that are there; never the database key]' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(completions)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':shell -- Which shell:(bash elvish fish powershell zsh)' \
&& ret=0
;;
(institutions)
_arguments "${_arguments_options[@]}" : \
'--country=[Two letters, such as DE]:CC:_default' \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::query -- Words of its name or parts of them, its BIC, or its id:_default' \
&& ret=0
;;
(link)
_arguments "${_arguments_options[@]}" : \
'--history-days=[Days of history to ask for \[default\: as configured\]]:N:_default' \
'--access-days=[Days of access to ask for \[default\: as configured\]]:N:_default' \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--no-wait[Print the URL and end]' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':institution -- Its id, as `banksyncd institutions` shows it:_default' \
&& ret=0
;;
(links)
_arguments "${_arguments_options[@]}" : \
'--ics=[Write the ends of access as a calendar file (iCalendar) instead; \`-\` is standard output]:FILE:_files' \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(unlink)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--yes[Do not ask]' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':link -- Its id or the beginning of it:_default' \
&& ret=0
;;
(renew)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--no-wait[Print the URL and end]' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':link -- Its id or the beginning of it:_default' \
&& ret=0
;;
(reconfirm)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':link -- Its id or the beginning of it:_default' \
&& ret=0
;;
(accounts)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
":: :_banksyncd__subcmd__accounts_commands" \
"*::: :->accounts" \
&& ret=0

    case $state in
    (accounts)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:banksyncd-accounts-command-$line[1]:"
        case $line[1] in
            (merge)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':kept -- Keeps its id\: id, the beginning of it, nickname or IBAN:_default' \
':absorbed -- Becomes part of it:_default' \
&& ret=0
;;
(split)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':account -- Id, the beginning of it, nickname or IBAN:_default' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_banksyncd__subcmd__accounts__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:banksyncd-accounts-help-command-$line[1]:"
        case $line[1] in
            (merge)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(split)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(forget)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--yes[Do not ask]' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':account -- Id, the beginning of it, nickname or IBAN:_default' \
&& ret=0
;;
(balances)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--history[Every change, not only the newest answer]' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::account -- Id, the beginning of it, nickname or IBAN \[default\: all\]:_default' \
&& ret=0
;;
(transactions)
_arguments "${_arguments_options[@]}" : \
'--from=[First day, YYYY-MM-DD]:DATE:_default' \
'--to=[Last day, YYYY-MM-DD]:DATE:_default' \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--pending[Also what is announced but not booked]' \
'--all[Every row in every state]' \
'--raw[With the bank'\''s own row (in --json)]' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::account -- Id, the beginning of it, nickname or IBAN \[default\: all\]:_default' \
&& ret=0
;;
(export)
_arguments "${_arguments_options[@]}" : \
'--format=[csv, jsonl, hledger, beancount, ofx, qif or camt053]:FORMAT:_default' \
'--account=[Only of this account\: id, the beginning of it, nickname or IBAN]:ACCOUNT:_default' \
'--from=[First day, YYYY-MM-DD]:DATE:_default' \
'--to=[Last day, YYYY-MM-DD]:DATE:_default' \
'--output=[The file \[default\: standard output\]; with --all the folder, which must be new or empty]:FILE:_files' \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'(--format --account --from --to --pending --append --follow)--all[Everything that is stored, as a folder of JSON Lines, a table and a manifest]' \
'--pending[Also what is announced but not booked]' \
'--append[Add what the file lacks]' \
'--follow[Go on with new rows as they come, until Ctrl-C]' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(history)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--raw[With the bank'\''s own row (in --json)]' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':transaction -- Its id, as `banksyncd transactions --json` shows it:_default' \
&& ret=0
;;
(explain)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':transaction -- Its id, as `banksyncd transactions --json` shows it:_default' \
&& ret=0
;;
(events)
_arguments "${_arguments_options[@]}" : \
'--since=[RFC 3339, a date (from midnight UTC), or a time ago such as 30m, 2h, 3d]:TIME:_default' \
'--code=[Only this code, such as \`access_expiring\`]:CODE:_default' \
'--account=[Only of this account]:ACCOUNT:_default' \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--follow[Go on with new ones until Ctrl-C]' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(notify)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
":: :_banksyncd__subcmd__notify_commands" \
"*::: :->notify" \
&& ret=0

    case $state in
    (notify)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:banksyncd-notify-command-$line[1]:"
        case $line[1] in
            (test)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::target -- Its name in the configuration \[default\: all\]:_default' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_banksyncd__subcmd__notify__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:banksyncd-notify-help-command-$line[1]:"
        case $line[1] in
            (test)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(status)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--no-trend[Do not draw how the balances of the last 30 days went (also \`display.trend = false\`)]' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(quota)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(sync)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--wait[Wait until it is done and print a result per account]' \
'--force[Also try paused accounts, within the hard limit]' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::accounts -- Id, the beginning of it, nickname or IBAN \[default\: all\]:_default' \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(backup)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- Where to; a file that is there is replaced when the new one is whole:_files' \
&& ret=0
;;
(reload)
_arguments "${_arguments_options[@]}" : \
'--config=[The configuration file]:PATH:_files' \
'--socket=[The daemon'\''s control socket \[default\: as configured\]]:PATH:_files' \
'--color=[When to use colour]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--json[Print JSON Lines\: one object per item, nothing else]' \
'(-q --quiet)*-v[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'(-q --quiet)*--verbose[Say on stderr what is done\: each request to the daemon and its answer, the log of level debug; twice for all of it]' \
'-q[Say only what is asked for, and errors]' \
'--quiet[Say only what is asked for, and errors]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_banksyncd__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:banksyncd-help-command-$line[1]:"
        case $line[1] in
            (run)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(demo)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(sandbox)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(simulate)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(check-config)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(doctor)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(restore)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(rekey)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(recovery-key)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(replay)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(init)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(completions)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(institutions)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(link)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(links)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(unlink)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(renew)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(reconfirm)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(accounts)
_arguments "${_arguments_options[@]}" : \
":: :_banksyncd__subcmd__help__subcmd__accounts_commands" \
"*::: :->accounts" \
&& ret=0

    case $state in
    (accounts)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:banksyncd-help-accounts-command-$line[1]:"
        case $line[1] in
            (merge)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(split)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(forget)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(balances)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(transactions)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(export)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(history)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(explain)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(events)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(notify)
_arguments "${_arguments_options[@]}" : \
":: :_banksyncd__subcmd__help__subcmd__notify_commands" \
"*::: :->notify" \
&& ret=0

    case $state in
    (notify)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:banksyncd-help-notify-command-$line[1]:"
        case $line[1] in
            (test)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(status)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(quota)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(sync)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(backup)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(reload)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
}

(( $+functions[_banksyncd_commands] )) ||
_banksyncd_commands() {
    local commands; commands=(
'run:Run the daemon in the foreground' \
'demo:Show everything against a built-in bank\: no credentials, no root, no network' \
'sandbox:Run the built-in bank alone, over HTTP on a loopback address' \
'simulate:Try every promise for years on a virtual clock, against the built-in bank' \
'check-config:Report every problem of the configuration' \
'doctor:Look at everything that can be wrong, and say which command cures it' \
'restore:Put a backup in the place of the database; the daemon must be stopped' \
'rekey:Encrypt the database with another key; the daemon must be stopped' \
'recovery-key:Print the database key to be written down, for the day on which the machine is lost' \
'replay:Match all stored answers anew and show what would differ' \
'init:Make what a daemon needs\: configuration, database key, API secrets' \
'completions:Print what a shell needs to complete verbs and options' \
'institutions:Find the id of a bank' \
'link:Link a bank\: opens its consent page for you and waits until it is done' \
'links:List links, their state and the days left' \
'unlink:End a link at the provider; stored data stays' \
'renew:Renew a link while the old one works; accounts keep their id and history' \
'reconfirm:Confirm that access goes on, as Great Britain asks every 90 days' \
'accounts:List accounts; say which two are one, or take them apart again' \
'forget:Erase everything of an account, for good' \
'balances:Show balances' \
'transactions:List transactions' \
'export:Write transactions to a file for another program' \
'history:Show every version of a transaction' \
'explain:Tell why a transaction is one row' \
'events:List or follow events' \
'notify:List who is told of events, and try whether a message arrives' \
'status:Show what is going on, and what needs you' \
'quota:Show the calls left, and when the next one is allowed' \
'sync:Ask for a pull now' \
'verify:Check the integrity of the database' \
'backup:Copy the whole database into a file' \
'reload:Make the running daemon read its configuration again' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'banksyncd commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__accounts_commands] )) ||
_banksyncd__subcmd__accounts_commands() {
    local commands; commands=(
'merge:Make two accounts one\: the first keeps its id and gets the second'\''s rows, balances, quota and connection' \
'split:Take an account apart again that was merged or paired last, exactly as it was' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'banksyncd accounts commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__accounts__subcmd__help_commands] )) ||
_banksyncd__subcmd__accounts__subcmd__help_commands() {
    local commands; commands=(
'merge:Make two accounts one\: the first keeps its id and gets the second'\''s rows, balances, quota and connection' \
'split:Take an account apart again that was merged or paired last, exactly as it was' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'banksyncd accounts help commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__accounts__subcmd__help__subcmd__help_commands] )) ||
_banksyncd__subcmd__accounts__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd accounts help help commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__accounts__subcmd__help__subcmd__merge_commands] )) ||
_banksyncd__subcmd__accounts__subcmd__help__subcmd__merge_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd accounts help merge commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__accounts__subcmd__help__subcmd__split_commands] )) ||
_banksyncd__subcmd__accounts__subcmd__help__subcmd__split_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd accounts help split commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__accounts__subcmd__merge_commands] )) ||
_banksyncd__subcmd__accounts__subcmd__merge_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd accounts merge commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__accounts__subcmd__split_commands] )) ||
_banksyncd__subcmd__accounts__subcmd__split_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd accounts split commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__backup_commands] )) ||
_banksyncd__subcmd__backup_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd backup commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__balances_commands] )) ||
_banksyncd__subcmd__balances_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd balances commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__check-config_commands] )) ||
_banksyncd__subcmd__check-config_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd check-config commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__completions_commands] )) ||
_banksyncd__subcmd__completions_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd completions commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__demo_commands] )) ||
_banksyncd__subcmd__demo_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd demo commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__doctor_commands] )) ||
_banksyncd__subcmd__doctor_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd doctor commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__events_commands] )) ||
_banksyncd__subcmd__events_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd events commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__explain_commands] )) ||
_banksyncd__subcmd__explain_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd explain commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__export_commands] )) ||
_banksyncd__subcmd__export_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd export commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__forget_commands] )) ||
_banksyncd__subcmd__forget_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd forget commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help_commands] )) ||
_banksyncd__subcmd__help_commands() {
    local commands; commands=(
'run:Run the daemon in the foreground' \
'demo:Show everything against a built-in bank\: no credentials, no root, no network' \
'sandbox:Run the built-in bank alone, over HTTP on a loopback address' \
'simulate:Try every promise for years on a virtual clock, against the built-in bank' \
'check-config:Report every problem of the configuration' \
'doctor:Look at everything that can be wrong, and say which command cures it' \
'restore:Put a backup in the place of the database; the daemon must be stopped' \
'rekey:Encrypt the database with another key; the daemon must be stopped' \
'recovery-key:Print the database key to be written down, for the day on which the machine is lost' \
'replay:Match all stored answers anew and show what would differ' \
'init:Make what a daemon needs\: configuration, database key, API secrets' \
'completions:Print what a shell needs to complete verbs and options' \
'institutions:Find the id of a bank' \
'link:Link a bank\: opens its consent page for you and waits until it is done' \
'links:List links, their state and the days left' \
'unlink:End a link at the provider; stored data stays' \
'renew:Renew a link while the old one works; accounts keep their id and history' \
'reconfirm:Confirm that access goes on, as Great Britain asks every 90 days' \
'accounts:List accounts; say which two are one, or take them apart again' \
'forget:Erase everything of an account, for good' \
'balances:Show balances' \
'transactions:List transactions' \
'export:Write transactions to a file for another program' \
'history:Show every version of a transaction' \
'explain:Tell why a transaction is one row' \
'events:List or follow events' \
'notify:List who is told of events, and try whether a message arrives' \
'status:Show what is going on, and what needs you' \
'quota:Show the calls left, and when the next one is allowed' \
'sync:Ask for a pull now' \
'verify:Check the integrity of the database' \
'backup:Copy the whole database into a file' \
'reload:Make the running daemon read its configuration again' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'banksyncd help commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__accounts_commands] )) ||
_banksyncd__subcmd__help__subcmd__accounts_commands() {
    local commands; commands=(
'merge:Make two accounts one\: the first keeps its id and gets the second'\''s rows, balances, quota and connection' \
'split:Take an account apart again that was merged or paired last, exactly as it was' \
    )
    _describe -t commands 'banksyncd help accounts commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__accounts__subcmd__merge_commands] )) ||
_banksyncd__subcmd__help__subcmd__accounts__subcmd__merge_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help accounts merge commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__accounts__subcmd__split_commands] )) ||
_banksyncd__subcmd__help__subcmd__accounts__subcmd__split_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help accounts split commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__backup_commands] )) ||
_banksyncd__subcmd__help__subcmd__backup_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help backup commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__balances_commands] )) ||
_banksyncd__subcmd__help__subcmd__balances_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help balances commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__check-config_commands] )) ||
_banksyncd__subcmd__help__subcmd__check-config_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help check-config commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__completions_commands] )) ||
_banksyncd__subcmd__help__subcmd__completions_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help completions commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__demo_commands] )) ||
_banksyncd__subcmd__help__subcmd__demo_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help demo commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__doctor_commands] )) ||
_banksyncd__subcmd__help__subcmd__doctor_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help doctor commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__events_commands] )) ||
_banksyncd__subcmd__help__subcmd__events_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help events commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__explain_commands] )) ||
_banksyncd__subcmd__help__subcmd__explain_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help explain commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__export_commands] )) ||
_banksyncd__subcmd__help__subcmd__export_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help export commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__forget_commands] )) ||
_banksyncd__subcmd__help__subcmd__forget_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help forget commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__help_commands] )) ||
_banksyncd__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help help commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__history_commands] )) ||
_banksyncd__subcmd__help__subcmd__history_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help history commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__init_commands] )) ||
_banksyncd__subcmd__help__subcmd__init_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help init commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__institutions_commands] )) ||
_banksyncd__subcmd__help__subcmd__institutions_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help institutions commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__link_commands] )) ||
_banksyncd__subcmd__help__subcmd__link_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help link commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__links_commands] )) ||
_banksyncd__subcmd__help__subcmd__links_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help links commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__notify_commands] )) ||
_banksyncd__subcmd__help__subcmd__notify_commands() {
    local commands; commands=(
'test:Send a message to a target, or to all of them, now and whatever their filters and quiet hours say' \
    )
    _describe -t commands 'banksyncd help notify commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__notify__subcmd__test_commands] )) ||
_banksyncd__subcmd__help__subcmd__notify__subcmd__test_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help notify test commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__quota_commands] )) ||
_banksyncd__subcmd__help__subcmd__quota_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help quota commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__reconfirm_commands] )) ||
_banksyncd__subcmd__help__subcmd__reconfirm_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help reconfirm commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__recovery-key_commands] )) ||
_banksyncd__subcmd__help__subcmd__recovery-key_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help recovery-key commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__rekey_commands] )) ||
_banksyncd__subcmd__help__subcmd__rekey_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help rekey commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__reload_commands] )) ||
_banksyncd__subcmd__help__subcmd__reload_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help reload commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__renew_commands] )) ||
_banksyncd__subcmd__help__subcmd__renew_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help renew commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__replay_commands] )) ||
_banksyncd__subcmd__help__subcmd__replay_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help replay commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__restore_commands] )) ||
_banksyncd__subcmd__help__subcmd__restore_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help restore commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__run_commands] )) ||
_banksyncd__subcmd__help__subcmd__run_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help run commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__sandbox_commands] )) ||
_banksyncd__subcmd__help__subcmd__sandbox_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help sandbox commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__simulate_commands] )) ||
_banksyncd__subcmd__help__subcmd__simulate_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help simulate commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__status_commands] )) ||
_banksyncd__subcmd__help__subcmd__status_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help status commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__sync_commands] )) ||
_banksyncd__subcmd__help__subcmd__sync_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help sync commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__transactions_commands] )) ||
_banksyncd__subcmd__help__subcmd__transactions_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help transactions commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__unlink_commands] )) ||
_banksyncd__subcmd__help__subcmd__unlink_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help unlink commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__help__subcmd__verify_commands] )) ||
_banksyncd__subcmd__help__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd help verify commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__history_commands] )) ||
_banksyncd__subcmd__history_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd history commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__init_commands] )) ||
_banksyncd__subcmd__init_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd init commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__institutions_commands] )) ||
_banksyncd__subcmd__institutions_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd institutions commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__link_commands] )) ||
_banksyncd__subcmd__link_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd link commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__links_commands] )) ||
_banksyncd__subcmd__links_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd links commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__notify_commands] )) ||
_banksyncd__subcmd__notify_commands() {
    local commands; commands=(
'test:Send a message to a target, or to all of them, now and whatever their filters and quiet hours say' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'banksyncd notify commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__notify__subcmd__help_commands] )) ||
_banksyncd__subcmd__notify__subcmd__help_commands() {
    local commands; commands=(
'test:Send a message to a target, or to all of them, now and whatever their filters and quiet hours say' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'banksyncd notify help commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__notify__subcmd__help__subcmd__help_commands] )) ||
_banksyncd__subcmd__notify__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd notify help help commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__notify__subcmd__help__subcmd__test_commands] )) ||
_banksyncd__subcmd__notify__subcmd__help__subcmd__test_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd notify help test commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__notify__subcmd__test_commands] )) ||
_banksyncd__subcmd__notify__subcmd__test_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd notify test commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__quota_commands] )) ||
_banksyncd__subcmd__quota_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd quota commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__reconfirm_commands] )) ||
_banksyncd__subcmd__reconfirm_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd reconfirm commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__recovery-key_commands] )) ||
_banksyncd__subcmd__recovery-key_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd recovery-key commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__rekey_commands] )) ||
_banksyncd__subcmd__rekey_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd rekey commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__reload_commands] )) ||
_banksyncd__subcmd__reload_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd reload commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__renew_commands] )) ||
_banksyncd__subcmd__renew_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd renew commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__replay_commands] )) ||
_banksyncd__subcmd__replay_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd replay commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__restore_commands] )) ||
_banksyncd__subcmd__restore_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd restore commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__run_commands] )) ||
_banksyncd__subcmd__run_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd run commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__sandbox_commands] )) ||
_banksyncd__subcmd__sandbox_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd sandbox commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__simulate_commands] )) ||
_banksyncd__subcmd__simulate_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd simulate commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__status_commands] )) ||
_banksyncd__subcmd__status_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd status commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__sync_commands] )) ||
_banksyncd__subcmd__sync_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd sync commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__transactions_commands] )) ||
_banksyncd__subcmd__transactions_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd transactions commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__unlink_commands] )) ||
_banksyncd__subcmd__unlink_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd unlink commands' commands "$@"
}
(( $+functions[_banksyncd__subcmd__verify_commands] )) ||
_banksyncd__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'banksyncd verify commands' commands "$@"
}

if [ "$funcstack[1]" = "_banksyncd" ]; then
    _banksyncd "$@"
else
    compdef _banksyncd banksyncd
fi

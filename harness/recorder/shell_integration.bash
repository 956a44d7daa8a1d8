# Marks where commands begin and end in the terminal's output, for the session's record.
#
#   bash --rcfile /opt/harness/shell_integration.bash -i
#
# OSC 133 marks: A prompt, B command line, C;cmdline_url=<text> output, D;<status> end
# (see osc133.py; the way in with PS0 and PROMPT_COMMAND is kitty's and VS Code's).
# Your own ~/.bashrc runs as always. Removing the hooks removes the marks, nothing else:
# the terminal itself is recorded from outside.

if [[ -z ${__harness_running+x} && $- == *i* ]]; then
__harness_running=0      # 1 between a command's start and its end
__harness_nonce=''       # added to each mark, so that other programs' marks do not count
if [[ -n ${HARNESS_OSC133_NONCE-} ]]; then
    __harness_nonce=";harness=$HARNESS_OSC133_NONCE"
    unset HARNESS_OSC133_NONCE
fi

# The functions are defined before ~/.bashrc, so that its aliases do not change them.

__harness_mark() {
    builtin printf '\e]133;%s%s\a' "$1" "${__harness_nonce-}" >&2
}

# Percent-encodes at most 2,000 bytes of $1, byte by byte.
__harness_encode() {
    local LC_ALL=C text=${1:0:2000} out='' char code i
    for ((i = 0; i < ${#text}; i++)); do
        char=${text:i:1}
        case $char in
            [a-zA-Z0-9._~/-]) out+=$char ;;
            *)
                builtin printf -v code %d "'$char"
                builtin printf -v char '%%%02X' "$((code & 255))"
                out+=$char
                ;;
        esac
    done
    builtin printf %s "$out"
}

# The text of the command about to run. Without history the recorder reads the echo instead.
__harness_text() {
    [[ -o history ]] || return 0
    local HISTTIMEFORMAT='' line
    line=$(builtin history 1 2>/dev/null)
    if [[ $line =~ ^[[:space:]]*[0-9]+[*]?[[:space:]]+(.*)$ ]]; then
        builtin printf ';cmdline_url='
        __harness_encode "${BASH_REMATCH[1]}"
    fi
    return 0
}

# Expanded after a command was read and before it runs, in a subshell.
__harness_begin() {
    builtin set +xveu
    builtin printf '\e]133;C%s%s\a' "$(__harness_text)" "${__harness_nonce-}"
}

# First in PROMPT_COMMAND: the last command's end. Gives the status on to what follows.
__harness_end() {
    local status=$?
    local -; builtin set +xv
    if [[ ${__harness_running-0} == 1 ]]; then
        __harness_mark "D;$status"
        __harness_running=0
    fi
    [[ $- == *e* ]] || return "$status"  # a status to return would end a `set -e` shell
}

# Last in PROMPT_COMMAND: puts back what the candidate's own set-up may have replaced.
__harness_prompt() {
    __harness_end  # in case a new PROMPT_COMMAND took the first place
    local status=$?
    local -; builtin set +xv
    if [[ ${PS1-} != *133\;B* ]]; then
        PS1='\[\e]133;A${__harness_nonce-}\a\]'"${PS1-}"'\[\e]133;B${__harness_nonce-}\a\]'
    fi
    PS0='${__harness_empty-$(__harness_begin)}${__harness_blank:$((__harness_running = 1, 0)):0}'
    # A history that skips lines would give the command before instead.
    if [[ :${HISTCONTROL-}: == *:ignore* ]]; then
        HISTCONTROL=
    fi
    HISTIGNORE=
    __harness_hook
    [[ $- == *e* ]] || return "$status"
}

__harness_blank=''

__harness_hook() {
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
        local -a kept=()
        local hook
        for hook in "${PROMPT_COMMAND[@]}"; do
            case $hook in
                __harness_end | __harness_prompt | '') ;;
                *) kept+=("$hook") ;;
            esac
        done
        PROMPT_COMMAND=(__harness_end "${kept[@]}" __harness_prompt)
    elif [[ ${PROMPT_COMMAND-} != __harness_end* ]]; then
        PROMPT_COMMAND="__harness_end"$'\n'"${PROMPT_COMMAND-}"$'\n'"__harness_prompt"
    fi
}

if [[ -r ~/.bashrc ]]; then
    . ~/.bashrc
fi
case ${PS1-} in
    '' | '\s-\v\$ ') PS1='\w \$ ' ;;
esac
builtin set -o history
__harness_prompt
fi

/* What the service's process can and cannot do: run in the daemon's place under the installed unit. One line per attempt goes
 * to $STATE_DIRECTORY/probe: a name and "yes", the errno, or the signal that ended the attempt. C, because most of what is
 * tried here has no safe face in Rust. Each attempt is a child of its own: the system call filter kills. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RAMFS 0x858458f6
#define TMPFS 0x01021994

static char self[256];

/* An attempt says 0 if it worked, else an errno. */
static int said(long result) { return result < 0 ? errno : 0; }

static const char *in(const char *variable, const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", getenv(variable) ? getenv(variable) : "/nowhere", name);
    return path;
}

static int reads(const char *path)
{
    char byte;
    int file = open(path, O_RDONLY);
    return file < 0 ? errno : said(read(file, &byte, 1));
}

static int writes(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT, 0600);
    return file < 0 ? errno : said(write(file, "x", 1));
}

/* A connection that is refused has reached the other side. */
static int connects(int family, int kind, const char *address, int port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    inet_pton(family, address, family == AF_INET ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr);
    int socket_ = socket(family, kind, 0);
    if (socket_ < 0)
        return errno;
    int result = family == AF_INET ? connect(socket_, (void *)&v4, sizeof v4) : connect(socket_, (void *)&v6, sizeof v6);
    return result < 0 && errno == ECONNREFUSED ? 0 : said(result);
}

static int tells(const char *path, const char *text)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strncpy(to.sun_path, path, sizeof to.sun_path - 1);
    int socket_ = socket(AF_UNIX, SOCK_DGRAM, 0);
    return socket_ < 0 ? errno : said(sendto(socket_, text, strlen(text), 0, (void *)&to, sizeof to));
}

static int tcp4(void) { return connects(AF_INET, SOCK_STREAM, "127.0.0.1", 9); }
static int tcp6(void) { return connects(AF_INET6, SOCK_STREAM, "::1", 9); }
static int udp4(void) { return connects(AF_INET, SOCK_DGRAM, "127.0.0.1", 9); }
static int udp6(void) { return connects(AF_INET6, SOCK_DGRAM, "::1", 9); }
static int names(void)
{
    struct addrinfo *found;
    return getaddrinfo("localhost", "443", NULL, &found) == 0 ? 0 : ENOENT;
}
static int certificates(void) { return reads("/etc/ssl/certs/ca-certificates.crt"); }
static int credential(void) { return reads(in("CREDENTIALS_DIRECTORY", "database-key")); }
static int credential_guarded(void)
{
    struct statfs fs;
    struct statvfs flags;
    struct stat folder;
    const char *path = in("CREDENTIALS_DIRECTORY", ".");
    if (statfs(path, &fs) < 0 || statvfs(path, &flags) < 0 || stat(path, &folder) < 0)
        return errno;
    int memory = (unsigned)fs.f_type == RAMFS || (unsigned)fs.f_type == TMPFS;
    int guarded = (flags.f_flag & ST_RDONLY) && (flags.f_flag & ST_NOEXEC);
    /* Where the file system has access control lists, the bits of the group are the mask of the one that lets us in. */
    return memory && guarded && !(folder.st_mode & 07) ? 0 : EINVAL;
}
static int state(void) { return writes(in("STATE_DIRECTORY", "probe-wrote-this")); }
static int runtime(void) { return writes(in("RUNTIME_DIRECTORY", "probe-wrote-this")); }
static int private_tmp(void) { return writes("/tmp/probe-wrote-this"); }
static int lock_memory(void)
{
    static char page[4096];
    return said(mlock(page, sizeof page));
}
static int not_dumpable(void) { return said(prctl(PR_SET_DUMPABLE, 0)); }
static int lower_limits(void)
{
    struct rlimit none = {0, 0};
    return said(setrlimit(RLIMIT_CORE, &none));
}
static int notify(void) { return tells(getenv("NOTIFY_SOCKET"), "STATUS=probing"); }
static int journal(void)
{
    return tells("/run/systemd/journal/socket", "MESSAGE=a line of the probe\nSYSLOG_IDENTIFIER=banksyncd\nBANKSYNCD_PROBE=1\n");
}
static int configuration(void) { return reads("/etc/banksyncd/config.toml"); }

static int shadow(void) { return reads("/etc/shadow"); }
static int home(void) { return reads("/home/somebody/file"); }
static int roots_home(void) { return reads("/root/file"); }
static int plain_credentials(void) { return said(open("/etc/banksyncd/credentials", O_RDONLY | O_DIRECTORY)); }
static int write_credential(void) { return writes(in("CREDENTIALS_DIRECTORY", "database-key")); }
static int write_etc(void) { return writes("/etc/probe"); }
static int write_usr(void) { return writes("/usr/probe"); }
static int write_var(void) { return writes("/var/probe"); }
static int write_own_root(void) { return writes("/probe"); }
static int others_state(void) { return reads("/var/lib/dpkg/status"); }
static int process_1(void) { return reads("/proc/1/cmdline"); }
static int meminfo(void) { return reads("/proc/meminfo"); }
static int cpuinfo(void) { return reads("/proc/cpuinfo"); }
static int netlink(void) { return said(socket(AF_NETLINK, SOCK_RAW, 0)); }
static int packet(void) { return said(socket(AF_PACKET, SOCK_RAW, 0)); }
static int unshare_user(void) { return said(unshare(CLONE_NEWUSER)); }
static int unshare_mounts(void) { return said(unshare(CLONE_NEWNS)); }
static int mount_tmpfs(void) { return said(mount("tmpfs", "/tmp", "tmpfs", 0, "")); }
static int change_root(void) { return said(chroot("/tmp")); }
static int trace(void) { return said(ptrace(PTRACE_TRACEME, 0, 0, 0)); }
static int load_bpf(void)
{
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.map_type = BPF_MAP_TYPE_ARRAY;
    attr.key_size = attr.value_size = 4;
    attr.max_entries = 1;
    return said(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr));
}
static int become_root(void) { return said(setuid(0)); }
static int change_owner(void) { return said(chown("/tmp", 0, 0)); }
static int set_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return said(clock_settime(CLOCK_REALTIME, &now));
}
static int signal_1(void) { return said(kill(1, 0)); }
static int other_personality(void) { return said(personality(ADDR_NO_RANDOMIZE)); }
static int secret_memory(void) { return said(syscall(447 /* memfd_secret */, 0)); }
static int write_and_run(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}
static int landlock(void) { return said(syscall(444 /* landlock_create_ruleset */, NULL, 0, 1)); }
static int raise_limits(void)
{
    struct rlimit more = {1 << 20, 1 << 20};
    return said(setrlimit(RLIMIT_NOFILE, &more));
}
static int shell(void)
{
    execl("/bin/sh", "sh", "-c", "exit 0", NULL);
    return errno;
}
static int runs_a_copy(const char *path)
{
    char buffer[65536];
    int from = open(self, O_RDONLY), to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);
    ssize_t length;
    while ((length = read(from, buffer, sizeof buffer)) > 0)
        if (write(to, buffer, length) != length)
            return 0;
    close(to);
    execl(path, path, "--nothing", NULL);
    return errno;
}
static int run_from_state(void) { return runs_a_copy(in("STATE_DIRECTORY", "program")); }
static int run_from_runtime(void) { return runs_a_copy(in("RUNTIME_DIRECTORY", "program")); }
static int run_from_tmp(void) { return runs_a_copy("/tmp/program"); }
static int run_from_var_tmp(void) { return runs_a_copy("/var/tmp/program"); }
static int core_dump(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0 ? EPERM : 0;
}
/* Lines of /proc/self/status as the unit promises them. */
static int confined(void)
{
    char line[256];
    int seen = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) {
        seen += !strcmp(line, "CapEff:\t0000000000000000\n") || !strcmp(line, "CapBnd:\t0000000000000000\n")
             || !strcmp(line, "NoNewPrivs:\t1\n") || !strcmp(line, "Seccomp:\t2\n");
    }
    return seen == 4 ? 0 : EINVAL;
}

static FILE *report;

static void attempt(const char *kind, const char *name, int (*act)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(act());
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        fprintf(report, "%s %s SIG%s\n", kind, name, sigabbrev_np(WTERMSIG(status)));
    else if (WEXITSTATUS(status) == 0)
        fprintf(report, "%s %s yes\n", kind, name);
    else
        fprintf(report, "%s %s %s\n", kind, name, strerrorname_np(WEXITSTATUS(status)));
}

#define CAN(act) attempt("can", #act, act)
#define CANNOT(act) attempt("cannot", #act, act)

int main(int count, char **words)
{
    if (count > 1 && !strcmp(words[1], "--nothing"))
        return 0;
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = 0;
    report = fopen(in("STATE_DIRECTORY", "probe"), "w");
    if (!report)
        return 74;
    setlinebuf(report);
    CAN(tcp4); CAN(tcp6); CAN(udp4); CAN(udp6); CAN(names); CAN(certificates); CAN(credential); CAN(credential_guarded);
    CAN(state); CAN(runtime); CAN(private_tmp); CAN(lock_memory); CAN(not_dumpable); CAN(lower_limits); CAN(notify);
    CAN(journal); CAN(configuration); CAN(confined);
    CANNOT(shadow); CANNOT(home); CANNOT(roots_home); CANNOT(plain_credentials); CANNOT(write_credential); CANNOT(write_etc);
    CANNOT(write_usr); CANNOT(write_var); CANNOT(write_own_root); CANNOT(others_state); CANNOT(process_1); CANNOT(meminfo);
    CANNOT(cpuinfo); CANNOT(netlink); CANNOT(packet); CANNOT(unshare_user); CANNOT(unshare_mounts); CANNOT(mount_tmpfs);
    CANNOT(change_root); CANNOT(trace); CANNOT(load_bpf); CANNOT(become_root); CANNOT(change_owner); CANNOT(set_clock);
    CANNOT(signal_1); CANNOT(other_personality); CANNOT(secret_memory); CANNOT(write_and_run); CANNOT(landlock);
    CANNOT(raise_limits); CANNOT(shell); CANNOT(run_from_state);
    CANNOT(run_from_runtime); CANNOT(run_from_tmp); CANNOT(run_from_var_tmp); CANNOT(core_dump);
    fprintf(report, "end\n");
    fclose(report);
    tells(getenv("NOTIFY_SOCKET"), "READY=1");
    for (;;)
        pause();
}

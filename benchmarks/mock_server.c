/* An OpenAI-compatible server whose tokens leave at exactly known times.
 *
 * One thread, epoll and one timerfd. It stamps CLOCK_MONOTONIC just before each write of a token and
 * writes the stamps to a file when it is ended. Listens on 127.0.0.1 and prints its port.
 *
 * Options, times in microseconds: --ttft --itl --align (tokens of all streams at multiples of it)
 * --role (a delta without text at once) --stall-at TOKEN --stall --fail none|status|object (every
 * other request) --log FILE
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MOST_CONNECTIONS 4096
#define MOST_REQUEST (1 << 20)
#define MOST_TOKENS 4096
#define DUE_NEVER INT64_MAX

struct record {
    char key[32];
    int64_t read_at, stamps[MOST_TOKENS];
    int tokens;
    struct record *next;
};

struct connection {
    int fd;
    char *in, *out;
    size_t in_size, out_size, out_start, out_room;
    int64_t due, begun;
    int token, tokens, is_failing, is_blocked;
    struct record *record;
};

static int64_t ttft = 50000, itl = 5000, align, stall;
static int has_role, stall_at = -1, served;
static const char *fail = "none", *log_path;
static struct connection *by_fd[MOST_CONNECTIONS];
static struct record *first, **last = &first;
static int poller, highest;
static volatile sig_atomic_t is_over;

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void end(int number) { (void)number; is_over = 1; }

static void put(struct connection *c, const char *data, size_t size) {
    if (c->out_size + size > c->out_room) {
        c->out_room = 2 * (c->out_size + size);
        c->out = realloc(c->out, c->out_room);
    }
    memcpy(c->out + c->out_size, data, size);
    c->out_size += size;
}

static void put_event(struct connection *c, const char *json) {
    char frame[1024];
    size_t size = strlen(json) + strlen("data: \n\n");
    int length = snprintf(frame, sizeof frame, "%zx\r\ndata: %s\n\n\r\n", size, json);
    put(c, frame, (size_t)length);
}

static void drop(struct connection *c) {
    by_fd[c->fd] = NULL;
    close(c->fd);
    free(c->in);
    free(c->out);
    free(c);
}

/* 0, or -1 where the connection is gone. */
static int flush(struct connection *c) {
    while (c->out_start < c->out_size) {
        ssize_t sent = write(c->fd, c->out + c->out_start, c->out_size - c->out_start);
        if (sent < 0 && errno == EAGAIN) break;
        if (sent < 0) { drop(c); return -1; }
        c->out_start += (size_t)sent;
    }
    int is_blocked = c->out_start < c->out_size;
    if (!is_blocked) c->out_start = c->out_size = 0;
    if (is_blocked != c->is_blocked) {
        struct epoll_event e = {.events = EPOLLIN | (is_blocked ? EPOLLOUT : 0), .data.fd = c->fd};
        epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
        c->is_blocked = is_blocked;
    }
    return 0;
}

static void plan(struct connection *c) {
    int64_t due = c->begun + 1000 * (ttft + itl * c->token);
    if (stall_at >= 0 && c->token >= stall_at) due += 1000 * stall;
    if (align) due += 1000 * align - due % (1000 * align);
    c->due = due;
}

static void finish(struct connection *c) {
    char json[256];
    put_event(c, "{\"id\":\"cmpl-1\",\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":\"length\"}]}");
    snprintf(json, sizeof json, "{\"id\":\"cmpl-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,"
             "\"completion_tokens\":%d}}", c->tokens);
    put_event(c, json);
    put_event(c, "[DONE]");
    put(c, "0\r\n\r\n", 5);
    c->due = DUE_NEVER;
}

static int step(struct connection *c) {
    char json[256];
    if (c->is_failing && c->token == c->tokens / 2) {
        put_event(c, "{\"error\":{\"message\":\"engine died\",\"code\":500}}");
        put_event(c, "[DONE]");
        put(c, "0\r\n\r\n", 5);
        c->due = DUE_NEVER;
        return flush(c);
    }
    snprintf(json, sizeof json, "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":1700000000,"
             "\"model\":\"mock\",\"choices\":[{\"index\":0,\"text\":\"t%03d \",\"logprobs\":null,"
             "\"finish_reason\":null}]}", c->token % 1000);
    put_event(c, json);
    c->record->stamps[c->record->tokens++] = now_ns();
    if (++c->token == c->tokens) {
        /* The token leaves by itself: what follows is no part of its time. */
        if (flush(c) < 0) return -1;
        finish(c);
    } else {
        plan(c);
    }
    return flush(c);
}

static void answer(struct connection *c, char *head, char *body) {
    static const char models[] = "HTTP/1.1 200 OK\r\nContent-Length: 35\r\n\r\n"
                                 "{\"data\":[{\"id\":\"mock\",\"object\":\"\"}]}";
    static const char status[] = "HTTP/1.1 500 Error\r\nContent-Length: 2\r\n\r\n{}";
    static const char begin[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                "Transfer-Encoding: chunked\r\n\r\n";
    if (!strncmp(head, "GET", 3)) { put(c, models, sizeof models - 1); return; }
    int is_odd = served++ % 2;
    if (is_odd && !strcmp(fail, "status")) { put(c, status, sizeof status - 1); return; }
    char *found = strstr(body, "\"max_tokens\":");
    c->tokens = found ? atoi(found + strlen("\"max_tokens\":")) : 16;
    if (c->tokens < 1 || c->tokens > MOST_TOKENS) c->tokens = 16;
    c->token = 0;
    c->is_failing = is_odd && !strcmp(fail, "object");
    c->record = calloc(1, sizeof *c->record);
    c->record->read_at = c->begun = now_ns();
    if ((found = strstr(body, "\"prompt\":\""))) sscanf(found + 10, "%31[^\"]", c->record->key);
    *last = c->record;
    last = &c->record->next;
    put(c, begin, sizeof begin - 1);
    if (has_role) put_event(c, "{\"id\":\"cmpl-1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}");
    plan(c);
}

static void readable(struct connection *c) {
    ssize_t got = read(c->fd, c->in + c->in_size, MOST_REQUEST - c->in_size - 1);
    if (got <= 0) { if (got == 0 || errno != EAGAIN) drop(c); return; }
    c->in_size += (size_t)got;
    c->in[c->in_size] = 0;
    char *body = strstr(c->in, "\r\n\r\n");
    if (!body) return;
    body += 4;
    char *length = strcasestr(c->in, "\r\ncontent-length:");
    size_t size = length && length < body ? strtoul(length + 17, NULL, 10) : 0;
    if (c->in_size < (size_t)(body - c->in) + size) return;
    c->in_size = 0;
    answer(c, c->in, body);
    flush(c);
}

static void accept_all(int listening) {
    for (int fd, one = 1; (fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        if (fd >= MOST_CONNECTIONS) { close(fd); continue; }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct connection *c = calloc(1, sizeof *c);
        c->fd = fd;
        c->in = malloc(MOST_REQUEST);
        c->due = DUE_NEVER;
        by_fd[fd] = c;
        if (fd > highest) highest = fd;
        struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
    }
}

static void write_log(void) {
    FILE *file = log_path ? fopen(log_path, "w") : NULL;
    if (!file) return;
    for (struct record *r = first; r; r = r->next) {
        fprintf(file, "{\"key\":\"%s\",\"read_at\":%ld,\"stamps\":[", r->key, (long)r->read_at);
        for (int i = 0; i < r->tokens; i++) fprintf(file, "%s%ld", i ? "," : "", (long)r->stamps[i]);
        fprintf(file, "]}\n");
    }
    fclose(file);
}

int main(int count, char **words) {
    for (int i = 1; i + 1 < count; i += 2) {
        const char *name = words[i], *value = words[i + 1];
        if (!strcmp(name, "--ttft")) ttft = atol(value);
        else if (!strcmp(name, "--itl")) itl = atol(value);
        else if (!strcmp(name, "--align")) align = atol(value);
        else if (!strcmp(name, "--role")) has_role = atoi(value);
        else if (!strcmp(name, "--stall-at")) stall_at = atoi(value);
        else if (!strcmp(name, "--stall")) stall = atol(value);
        else if (!strcmp(name, "--fail")) fail = value;
        else if (!strcmp(name, "--log")) log_path = value;
        else { fprintf(stderr, "unknown option %s\n", name); return 2; }
    }
    signal(SIGPIPE, SIG_IGN);
    struct sigaction ending = {.sa_handler = end};
    sigaction(SIGTERM, &ending, NULL);
    sigaction(SIGINT, &ending, NULL);
    prctl(PR_SET_TIMERSLACK, 1);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof place;
    if (bind(listening, (struct sockaddr *)&place, size) || listen(listening, 1024)) return 1;
    getsockname(listening, (struct sockaddr *)&place, &size);
    printf("%d\n", ntohs(place.sin_port));
    fflush(stdout);
    poller = epoll_create1(0);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = listening}, events[256];
    epoll_ctl(poller, EPOLL_CTL_ADD, listening, &e);
    e.data.fd = timer;
    epoll_ctl(poller, EPOLL_CTL_ADD, timer, &e);
    while (!is_over) {
        int64_t next = DUE_NEVER, now = now_ns();
        for (int fd = 0; fd <= highest; fd++) {
            struct connection *c = by_fd[fd];
            /* A reader that is behind is waited for, as a real server would. */
            if (c && c->due <= now && !c->is_blocked && step(c) < 0) continue;
            if (c && by_fd[fd] && !c->is_blocked && c->due < next) next = c->due;
        }
        struct itimerspec when = {0};
        if (next != DUE_NEVER) {
            when.it_value.tv_sec = next / 1000000000;
            when.it_value.tv_nsec = next % 1000000000;
        }
        timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
        int ready = epoll_wait(poller, events, 256, next <= now ? 0 : -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listening) accept_all(listening);
            else if (fd != timer && by_fd[fd]) {
                if (events[i].events & EPOLLOUT && flush(by_fd[fd]) < 0) continue;
                if (events[i].events & ~EPOLLOUT) readable(by_fd[fd]);
            }
        }
    }
    write_log();
    return 0;
}

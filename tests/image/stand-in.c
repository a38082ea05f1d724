// A stand-in for the chartroom binary, as small as what scripts/image-check asks of it. `image-check --controls` builds it
// to prove that each check can fail: STAND_IN names the one promise that this copy breaks.
//   (empty)  keeps all      deaf   ignores SIGTERM      abrupt  stops at once, without a drain
//   ready    stays ready    root   needs to be root     writes  needs a writable root filesystem
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef STAND_IN
#define STAND_IN ""
#endif
#define BREAKS(name) (strcmp(STAND_IN, name) == 0)

static volatile sig_atomic_t stopping;
static void on_term(int signal) { (void)signal; stopping = 1; }

static struct sockaddr_in address(const char *variable, const char *fallback) {
    char host[64];
    int port;
    const char *value = getenv(variable);
    if (sscanf(value ? value : fallback, "%63[0-9.]:%d", host, &port) != 2) {
        fprintf(stderr, "%s: expected an address and a port\n", variable);
        exit(78);
    }
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    inet_pton(AF_INET, host, &at.sin_addr);
    return at;
}

static int listen_on(struct sockaddr_in at) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 16)) { perror("listen"); exit(1); }
    return fd;
}

static void answer(int listener) {
    char request[2048] = {0};
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) return;
    if (read(fd, request, sizeof request - 1) > 0) {
        int unready = stopping && !BREAKS("ready") && strstr(request, "/readyz");
        dprintf(fd, "HTTP/1.1 %s\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", unready ? "503 Stopping" : "200 OK");
    }
    close(fd);
}

static int serve(void) {
    if (!getenv("CHARTROOM_KEYS_DIR")) {
        address("CHARTROOM_LISTEN", "127.0.0.1:8080");
        fprintf(stderr, "chartroom: CHARTROOM_KEYS_DIR: needed\n");
        return 78;
    }
    struct pollfd listeners[2] = {
        {.fd = listen_on(address("CHARTROOM_LISTEN", "127.0.0.1:8080")), .events = POLLIN},
        {.fd = listen_on(address("CHARTROOM_OPS_LISTEN", "127.0.0.1:9090")), .events = POLLIN},
    };
    if (BREAKS("root") && getuid() != 0) { fprintf(stderr, "not root\n"); return 1; }
    if (BREAKS("writes") && open("/state", O_CREAT | O_WRONLY, 0600) < 0) { perror("/state"); return 1; }
    if (!BREAKS("deaf")) signal(SIGTERM, on_term); else signal(SIGTERM, SIG_IGN);
    time_t deadline = 0;
    for (;;) {
        if (stopping && !deadline) deadline = time(NULL) + (BREAKS("abrupt") ? 0 : 4);
        if (deadline && time(NULL) >= deadline) return 0;
        if (poll(listeners, 2, 100) <= 0) continue;
        for (int i = 0; i < 2; i++) if (listeners[i].revents) answer(listeners[i].fd);
    }
}

// Makes no key, but the place to write one has to be there, and a second run has to find what the first left.
static int keys(void) {
    int fd = open("/keys/1-0.pem", O_CREAT | O_EXCL | O_WRONLY, 0640);
    if (fd < 0 && errno == EEXIST) return puts("nothing to do") < 0;
    if (fd < 0) { perror("/keys"); return 1; }
    return puts("/keys/1-0.pem") < 0;
}

static int healthcheck(void) {
    char response[64] = {0};
    struct sockaddr_in at = address("CHARTROOM_OPS_LISTEN", "127.0.0.1:9090");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at)) return 1;
    dprintf(fd, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return read(fd, response, sizeof response - 1) <= 0 || !strstr(response, " 200 ");
}

int main(int argc, char **argv) {
    const char *command = argc > 1 ? argv[1] : "serve";
    if (!strcmp(command, "serve")) return serve();
    if (!strcmp(command, "keys")) return keys();
    if (!strcmp(command, "healthcheck")) return healthcheck();
    if (!strcmp(command, "openapi")) return puts("{\"openapi\":\"3.1.0\"}") < 0;
    if (!strcmp(command, "config")) return printf("listen %s\n", getenv("CHARTROOM_LISTEN")) < 0;
    return !(!strcmp(command, "migrate") || !strcmp(command, "user") || !strcmp(command, "--help"));
}

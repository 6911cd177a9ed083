/* A process to look at. Compile: gcc -O2 -o mapper mapper.c

   mapper loop MIB SECONDS   touches MIB of 4 KiB pages, prints "ready", then calls mmap and munmap
                             until SECONDS have passed, and prints the longest call in ms
   mapper maps COUNT PAGES   makes COUNT mappings of PAGES touched pages each, prints "ready", waits
   mapper threads COUNT      starts COUNT threads that sleep, prints "ready", waits */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static char *mapped(size_t bytes, int protection) {
    char *memory = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return memory;
}

static void touch(char *memory, size_t bytes) {
    for (size_t at = 0; at < bytes; at += 4096) memory[at] = 1;
}

static void loop(size_t mib, double seconds) {
    char *memory = mapped(mib << 20, PROT_READ | PROT_WRITE);
    madvise(memory, mib << 20, MADV_NOHUGEPAGE);
    touch(memory, mib << 20);
    puts("ready");
    fflush(stdout);
    double end_ms = now_ms() + seconds * 1e3, longest_ms = 0;
    while (now_ms() < end_ms) {
        double begin_ms = now_ms();
        char *page = mapped(65536, PROT_READ | PROT_WRITE);
        page[0] = 1;
        munmap(page, 65536);
        double took_ms = now_ms() - begin_ms;
        if (took_ms > longest_ms) longest_ms = took_ms;
    }
    printf("%.3f\n", longest_ms);
}

static void maps(int count, size_t pages) {
    for (int i = 0; i < count; i++) {
        /* Neighbours differ in protection, or the kernel would merge them. */
        int extra = i % 2 ? 0 : PROT_EXEC;
        touch(mapped(pages * 4096, PROT_READ | PROT_WRITE | extra), pages * 4096);
    }
    puts("ready");
    fflush(stdout);
    pause();
}

static void *sleeper(void *unused) {
    (void)unused;
    pause();
    return NULL;
}

static void threads(int count) {
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    for (int i = 1; i < count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, &small, sleeper, NULL) != 0) exit(1);
    }
    puts("ready");
    fflush(stdout);
    pause();
}

int main(int count, char **words) {
    if (count == 4 && strcmp(words[1], "loop") == 0) loop(atol(words[2]), atof(words[3]));
    else if (count == 4 && strcmp(words[1], "maps") == 0) maps(atoi(words[2]), atol(words[3]));
    else if (count == 3 && strcmp(words[1], "threads") == 0) threads(atoi(words[2]));
    else return 2;
    return 0;
}

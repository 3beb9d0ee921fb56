/* ring.pml: the slot protocol of shm/slot.h, with store and load reordering made explicit.
 *
 * Memory is what C11 allows, by views: a location is the list of all stores to it; a thread has,
 * for each location, the oldest store it may still read. A load picks any store from there on:
 * an old one is a load done early or a store not yet arrived. A release store carries its
 * thread's view along, a relaxed one only itself; an acquire load takes over the view of what it
 * read, a relaxed one only the store itself. (Loads moved behind later stores do not occur: the
 * writer never loads and the reader never stores.)
 *
 * One slot with two words holds record 0, 1, 2 in turn, as any slot of a ring does; word i of
 * record n is n + 1. The writer may stop anywhere: every interleaving is explored, also those in
 * which it never runs again. A weakened order is chosen with -D: W2_RELAXED, W3_RELAXED, ...;
 * see ring_model_test.sh. */

#define RECORDS 3
#define SEQ     0
#define WORD0   1
#define WORD1   2
#define HEAD    3
#define PLACES  4
#define STORES  8 /* to one place: 1 at first, 2 to the sequence for each record */

#define RELAXED 0
#define STRONG  1 /* release of a store, acquire of a load */

/* The orders as slot.h has them, unless a mutation weakens one. */
#ifdef W2_RELAXED
#define W2_FIRST RELAXED
#define W2_LAST  RELAXED
#endif
#ifdef W2_ONLY_FIRST
#define W2_FIRST STRONG
#define W2_LAST  RELAXED
#endif
#ifdef W2_ONLY_LAST
#define W2_FIRST RELAXED
#define W2_LAST  STRONG
#endif
#ifndef W2_FIRST
#define W2_FIRST STRONG
#define W2_LAST  STRONG
#endif
#ifdef R2_RELAXED
#define R2_FIRST RELAXED
#define R2_LAST  RELAXED
#endif
#ifdef R2_ONLY_FIRST
#define R2_FIRST STRONG
#define R2_LAST  RELAXED
#endif
#ifdef R2_ONLY_LAST
#define R2_FIRST RELAXED
#define R2_LAST  STRONG
#endif
#ifndef R2_FIRST
#define R2_FIRST STRONG
#define R2_LAST  STRONG
#endif
#ifdef W3_RELAXED
#define W3 RELAXED
#else
#define W3 STRONG
#endif
#ifdef W4_RELAXED
#define W4 RELAXED
#else
#define W4 STRONG
#endif
#ifdef R1_RELAXED
#define R1 RELAXED
#else
#define R1 STRONG
#endif
#ifdef HEAD_LOAD_RELAXED
#define R0 RELAXED
#else
#define R0 STRONG
#endif

byte stores[PLACES];                   /* how many there are to each place */
byte value[PLACES * STORES];           /* what each stored */
byte carried[PLACES * STORES * PLACES]; /* the view each carries */
byte writer_view[PLACES];
byte reader_view[PLACES];
byte copies; /* intact copies made: the model must not pass because it never reads anything */

#define AT(place, number) ((place) * STORES + (number))

inline store(place, what, order) {
    d_step {
        writer_view[place] = stores[place];
        value[AT(place, stores[place])] = what;
        p = 0;
        do
        :: p < PLACES ->
            if
            :: order == STRONG || p == place ->
                carried[AT(place, stores[place]) * PLACES + p] = writer_view[p]
            :: else
            fi;
            p++
        :: else -> break
        od;
        p = 0;
        stores[place] = stores[place] + 1
    }
}

/* Any store from the oldest that may still be read to the newest. */
inline load(place, order, into) {
    atomic {
        pick = reader_view[place];
        do
        :: pick + 1 < stores[place] -> pick++
        :: break
        od;
        into = value[AT(place, pick)];
        reader_view[place] = pick;
        p = 0;
        do
        :: p < PLACES ->
            if
            :: order == STRONG && carried[AT(place, pick) * PLACES + p] > reader_view[p] ->
                reader_view[p] = carried[AT(place, pick) * PLACES + p]
            :: else
            fi;
            p++
        :: else -> break
        od;
        p = 0;
        pick = 0
    }
}

active proctype writer() {
    byte n = 0;
    byte p = 0;
    (stores[HEAD] == 1);
    do
    :: n < RECORDS ->
#ifndef W1_MISSING
        store(SEQ, 2 * n + 1, RELAXED); /* W1 */
#endif
        store(WORD0, n + 1, W2_FIRST);  /* W2 */
        store(WORD1, n + 1, W2_LAST);
        store(SEQ, 2 * n + 2, W3);      /* W3 */
        store(HEAD, n + 1, W4);         /* W4 */
        n++
    :: else -> break
    od
}

active proctype reader() {
    byte wanted = 0;
    byte polls = 0;
    byte head = 0;
    byte before = 0;
    byte after = 0;
    byte word0 = 0;
    byte word1 = 0;
    byte pick = 0;
    byte p = 0;
    /* Every place holds 0 at first, which every thread has seen. */
    d_step {
        stores[SEQ] = 1;
        stores[WORD0] = 1;
        stores[WORD1] = 1;
        stores[HEAD] = 1
    }
    do
    :: polls < 2 ->
        /* A late joiner asks the head first; one that follows knows what it wants. */
        if
        :: load(HEAD, R0, head);
            if
            :: head > 0 -> wanted = head - 1
            :: else -> wanted = 0
            fi
        :: head = 0; wanted = 0
        :: head = 0; wanted = 1
        :: head = 0; wanted = 2
        fi;
        load(SEQ, R1, before);
        /* What the head covers is there: perhaps overwritten, never "not there yet". */
        assert(head == 0 || before >= 2 * wanted + 2);
        if
        :: before == 2 * wanted + 2 ->
            load(WORD0, R2_FIRST, word0);
            load(WORD1, R2_LAST, word1);
#ifdef R3_MISSING
            after = before;
#else
            load(SEQ, RELAXED, after); /* R3 */
#endif
            if
            :: after == before ->
                assert(word0 == wanted + 1 && word1 == wanted + 1);
                copies = 1
            :: else
            fi
        :: else
        fi;
        before = 0;
        after = 0;
        word0 = 0;
        word1 = 0;
        head = 0;
        polls++
    :: else -> break
    od;
#ifdef MUST_READ
    assert(copies == 0)
#endif
}

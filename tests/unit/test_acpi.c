/* SPDX-License-Identifier: MIT */
/* test_acpi.c: tables as QEMU makes them, and tables that lie. */
#include "acpi.h"
#include "test.h"

/* A small physical memory. */
static uint8_t memory[4096];
#define ROOT 0x10
#define LIST 0x100
#define FADT 0x200
#define DSDT 0x600

/* Lends copies of exactly (size) bytes, so that the sanitizer sees a read past
 * what was asked for. They live until the test program ends. */
static void *lent[4096];
static size_t lent_count;

static const void *map(uint64_t physical, size_t size)
{
    void *copy;

    if (physical > sizeof memory || size > sizeof memory - physical ||
        lent_count == sizeof lent / sizeof lent[0])
        return NULL;
    copy = malloc(size);
    memcpy(copy, memory + physical, size);
    lent[lent_count++] = copy;
    return copy;
}

static void give_back(void)
{
    while (lent_count > 0)
        free(lent[--lent_count]);
}

static void put(size_t at, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        memory[at + i] = (uint8_t)(value >> 8 * i);
}

static void fix_sum(size_t at, size_t size, size_t sum_at)
{
    uint8_t sum = 0;

    memory[sum_at] = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + memory[at + i]);
    memory[sum_at] = (uint8_t)-sum;
}

static void table(size_t at, const char *signature, size_t size)
{
    memcpy(memory + at, signature, 4);
    put(at + 4, size, 4);
    fix_sum(at, size, at + 9);
}

static void make_root(uint8_t revision)
{
    memcpy(memory + ROOT, "RSD PTR ", 8);
    memory[ROOT + 15] = revision;
    put(ROOT + 16, LIST, 4);
    put(ROOT + 20, 36, 4);
    put(ROOT + 24, revision >= 2 ? LIST : 0, 8);
    fix_sum(ROOT, 20, ROOT + 8);
    fix_sum(ROOT, 36, ROOT + 32);
}

/* As q35 has them: a list with one table in front of the one wanted. */
static void make_q35(void)
{
    memset(memory, 0, sizeof memory);
    make_root(0);
    put(LIST + 36, DSDT, 4);
    put(LIST + 40, FADT, 4);
    table(LIST, "RSDT", 44);
    put(FADT + 40, DSDT, 4);
    put(FADT + 46, 9, 2);
    put(FADT + 48, 0xb2, 4);
    memory[FADT + 52] = 2;
    put(FADT + 56, 0x600, 4);
    put(FADT + 64, 0x604, 4);
    put(FADT + 76, 0x608, 4);
    memory[FADT + 88] = 4;
    memory[FADT + 91] = 4;
    put(FADT + 112, 1u << 8, 4);
    table(FADT, "FACP", 244);
    table(DSDT, "DSDT", 64);
}

/* As microvm has them. */
static void make_reduced(void)
{
    memset(memory, 0, sizeof memory);
    make_root(2);
    put(LIST + 36, FADT, 8);
    table(LIST, "XSDT", 44);
    put(FADT + 112, 1u << 20, 4);
    put(FADT + 140, DSDT, 8);
    put(FADT + 56, 0x600, 4); /* must not be looked at */
    memory[FADT + 244] = 0;
    put(FADT + 248, 0xfea00200, 8);
    table(FADT, "FACP", 276);
    table(DSDT, "DSDT", 64);
}

TEST(q35s_registers_are_found)
{
    struct acpi_power power;

    make_q35();
    REQUIRE(platform_acpi_power_find(map, ROOT, &power));
    CHECK_EQ(power.sci, 9);
    CHECK_EQ(power.smi_port, 0xb2);
    CHECK_EQ(power.smi_enable, 2);
    CHECK_EQ(power.event_port, 0x600);
    CHECK_EQ(power.event_len, 4);
    CHECK_EQ(power.control_port, 0x604);
    CHECK_EQ(power.control_port_b, 0);
    CHECK_EQ(power.timer_port, 0x608);
    CHECK(power.timer_is_32);
    CHECK(power.has_button);
    CHECK_EQ(power.dsdt, DSDT);
    CHECK_EQ(power.sleep_memory, 0);
    give_back();
}

TEST(a_hardware_reduced_machine_has_a_sleep_register_only)
{
    struct acpi_power power;

    make_reduced();
    REQUIRE(platform_acpi_power_find(map, ROOT, &power));
    CHECK_EQ(power.sleep_memory, 0xfea00200);
    CHECK_EQ(power.sleep_port, 0);
    CHECK_EQ(power.event_port, 0);
    CHECK(!power.has_button);
    CHECK_EQ(power.dsdt, DSDT);
    give_back();
}

TEST(a_button_that_needs_aml_is_no_button)
{
    struct acpi_power power;

    make_q35();
    put(FADT + 112, 1u << 4, 4);
    table(FADT, "FACP", 244);
    REQUIRE(platform_acpi_power_find(map, ROOT, &power));
    CHECK(!power.has_button);
    CHECK(!power.timer_is_32);
    give_back();
}

TEST(a_wrong_sum_anywhere_is_refused)
{
    static const size_t at[] = { ROOT + 9, LIST + 10, FADT + 100 };
    struct acpi_power power;

    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        make_q35();
        memory[at[i]] ^= 1;
        CHECK(!platform_acpi_power_find(map, ROOT, &power));
        give_back();
    }
}

TEST(a_list_of_every_length_is_read_within_its_bounds)
{
    struct acpi_power power;

    for (uint32_t size = 0; size < 64; size++) {
        make_q35();
        table(LIST, "RSDT", size < 36 ? 36 : size);
        put(LIST + 4, size, 4);
        if (size >= 36)
            table(LIST, "RSDT", size);
        CHECK_EQ(platform_acpi_power_find(map, ROOT, &power), size >= 44);
        give_back();
    }
}

TEST(a_description_too_short_for_its_fields_is_refused)
{
    struct acpi_power power;

    for (size_t size = 36; size < 300; size++) {
        make_q35();
        table(FADT, "FACP", size);
        CHECK_EQ(platform_acpi_power_find(map, ROOT, &power), size >= 116);
        give_back();
        make_reduced();
        table(FADT, "FACP", size);
        CHECK_EQ(platform_acpi_power_find(map, ROOT, &power), size >= 116);
        CHECK_EQ(power.sleep_memory, size >= 268 ? 0xfea00200 : 0);
        give_back();
    }
}

TEST(tables_beyond_memory_or_measure_are_refused)
{
    struct acpi_power power;
    size_t size;

    make_q35();
    put(LIST + 40, 0xfffffff0, 4);
    table(LIST, "RSDT", 44);
    CHECK(!platform_acpi_power_find(map, ROOT, &power));
    make_q35();
    put(FADT + 4, UINT32_MAX, 4);
    CHECK(platform_acpi_table_map(map, FADT, "FACP", &size) == NULL);
    put(FADT + 4, 8, 4);
    CHECK(platform_acpi_table_map(map, FADT, "FACP", &size) == NULL);
    CHECK(!platform_acpi_power_find(map, sizeof memory - 4, &power));
    give_back();
}

/* A list that names itself 64 times and more must end. */
TEST(a_list_of_lists_ends)
{
    struct acpi_power power;

    make_q35();
    for (unsigned i = 0; i < 200; i++)
        put(LIST + 36 + 4 * i, DSDT, 4);
    table(LIST, "RSDT", 36 + 4 * 200);
    CHECK(!platform_acpi_power_find(map, ROOT, &power));
    give_back();
}

TEST(any_bit_flipped_is_survived)
{
    struct acpi_power power;

    for (size_t bit = 0; bit < 0x340 * 8; bit++) {
        make_q35();
        memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
        (void)!platform_acpi_power_find(map, ROOT, &power);
        give_back();
    }
    CHECK(true);
}

TEST(the_root_pointer_is_found_at_16_byte_steps_only)
{
    make_q35();
    CHECK(platform_acpi_root_scan(memory, sizeof memory) == memory + ROOT);
    CHECK(platform_acpi_root_scan(memory + 8, sizeof memory - 8) == NULL);
    CHECK(platform_acpi_root_scan(memory, ROOT + 19) == NULL);
    CHECK(platform_acpi_root_scan(memory, ROOT + 20) == memory + ROOT);
    CHECK(platform_acpi_root_scan(memory, 0) == NULL);
}

/* ---- Sleep types ---- */

static bool find_off(const void *aml, size_t size, uint8_t *a, uint8_t *b)
{
    uint8_t *dsdt = calloc(1, 36 + 1 + size);
    bool found;

    memcpy(dsdt + 37, aml, size);
    found = platform_acpi_off_find(dsdt, 37 + size, a, b);
    free(dsdt);
    return found;
}

TEST(the_sleep_types_are_read_in_every_encoding)
{
    static const uint8_t q35[] = { 8, '_', 'S', '5', '_', 0x12, 6,
                                   4, 0,   0,   0,   0,   1,    1 };
    static const uint8_t bytes[] = { 8, '\\', '_',  'S', '5',  '_', 0x12, 0x40,
                                     1, 2,    0x0a, 5,   0x0a, 7,   1,    1 };
    static const uint8_t words[] = { 8, '_', 'S',  '5', '_', 0x12, 9, 2, 0x0b,
                                     3, 0,   0x0c, 1,   0,   0,    0, 1, 1 };
    uint8_t a, b;

    REQUIRE(find_off(q35, sizeof q35, &a, &b));
    CHECK(a == 0 && b == 0);
    REQUIRE(find_off(bytes, sizeof bytes, &a, &b));
    CHECK(a == 5 && b == 7);
    REQUIRE(find_off(words, sizeof words, &a, &b));
    CHECK(a == 3 && b == 1);
}

TEST(a_cut_or_foreign_sleep_package_is_refused)
{
    static const uint8_t whole[] = { 8, '_',  'S', '5', '_',  0x12, 8,
                                     2, 0x0b, 3,   0,   0x0b, 1,    0 };
    static const uint8_t foreign[] = { 8, '_',  'S', '5', '_', 0x11, 8,
                                       2, 0x0a, 3,   0,   0,   0,    0 };
    static const uint8_t unnamed[] = { 9, '_',  'S', '5', '_', 0x12, 8,
                                       2, 0x0a, 3,   0,   0,   0,    0 };
    uint8_t a, b;

    for (size_t size = 0; size <= sizeof whole; size++)
        (void)!find_off(whole, size, &a, &b); /* the sanitizer looks on */
    CHECK(find_off(whole, sizeof whole, &a, &b));
    CHECK(!find_off(whole, 10, &a, &b));
    CHECK(!find_off(foreign, sizeof foreign, &a, &b));
    CHECK(!find_off(unnamed, sizeof unnamed, &a, &b));
}

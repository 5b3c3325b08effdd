/* SPDX-License-Identifier: MIT */
/*
 * lmathlib_lunik.h: math.random's first seed comes from the image's generator.
 *
 * Stock lmathlib.c makes that seed of the wall clock's seconds and an address,
 * both of which can be guessed. Included before lmathlib.c only, which calls
 * time() for nothing else. It also spares an image that asks for no time the
 * calibration of its clock.
 */
#ifndef LUNIK_LMATHLIB_H
#define LUNIK_LMATHLIB_H

#include <lunik/random.h>
#include <time.h>

#define time(unused) lunik_random_u64()

#endif

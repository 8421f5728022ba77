/* Wine 8 has no ProcessPrng, which Rust's standard library asks for random numbers. This forwards it
   to the older function of the same meaning. It is for tests only and goes into their own prefix. */

#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID data, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length)
{
    return SystemFunction036(data, (ULONG)length);
}
